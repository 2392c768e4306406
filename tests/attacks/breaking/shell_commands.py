"""Leave the shell's commands and magics in a cell: installers, prompts, a debugger, a server."""

CELL = """from IPython import get_ipython

shell = get_ipython()
for line in ("pip install nothing", "debug", "edit", "matplotlib qt", "load_ext gone"):
    try:
        shell.run_line_magic(*(line.split(" ", 1) + [""])[:2])
    except BaseException as error:
        print(type(error).__name__)
try:
    input("name? ")
except BaseException as error:
    print(type(error).__name__)
shell.system("sleep 1; exit 3")
quit()
"""
