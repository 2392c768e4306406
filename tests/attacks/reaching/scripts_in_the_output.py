"""Display a script that would change grades with the rights of whoever looks at the page."""

from IPython.display import HTML, SVG, Javascript, display

display(HTML("<script>fetch('/formgrader/api/grades')</script><img src=x onerror=alert(1)>"))
display(HTML("<META http-equiv=refresh content='0;url=http://127.0.0.1:$PORT/'>"))
display(HTML("<iframe src='http://127.0.0.1:$PORT/'></iframe>"))
display(Javascript("fetch('http://127.0.0.1:$PORT/')"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'></svg>"))
display({"text/markdown": "<img src='http://127.0.0.1:$PORT/pixel'>"}, raw=True)
display({"text/latex": "$$\\href{javascript:alert(1)}{x}$$"}, raw=True)


class Report:
    def _repr_html_(self):
        return "<script>alert(1)</script>"


def clip_by_value(grad, clip_value):
    display(HTML("<script>alert(2)</script>"))
    return "<script>alert(3)</script>", 1.0


def clip_by_norm(grad, max_norm):
    raise ValueError("<script>alert(4)</script>")
