from checking import Checker


class TestCLASS(Checker):
    slug = "SLUG"
