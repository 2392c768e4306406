"""Hand in a symbolic link to another student's notebook."""


def write(path):
    path.unlink()
    path.symlink_to("$COURSE/course/submitted/honest/gradient-clipping/gradient-clipping.ipynb")
