"""Firefox, driven over Marionette, its own protocol: Debian's firefox-esr and a socket suffice."""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

SETTINGS = """user_pref("marionette.port", 0);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("app.update.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
"""


class Firefox:
    """A browser without a window, which may reach nothing but files and this machine."""

    def __init__(self, profile: Path) -> None:
        program = shutil.which("firefox-esr") or shutil.which("firefox")
        if program is None:
            pytest.skip("Firefox is not installed: Debian's package firefox-esr")
        profile.mkdir()
        (profile / "user.js").write_text(SETTINGS)
        command = [program, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **quiet)
        try:
            self.socket = socket.create_connection(("127.0.0.1", self._port(profile)), timeout=120)
            self.file, self.count = self.socket.makefile("rb"), 0
            self._message()
            # "none" of the dialogs: an alert would wait for ever.
            self.call("WebDriver:NewSession", {"pageLoadStrategy": "normal"})
            self.call("WebDriver:SetTimeouts", {"script": 120_000, "pageLoad": 120_000})
        except BaseException:
            self.process.kill()
            raise

    def _port(self, profile: Path) -> int:
        """Return the port that Firefox has chosen."""
        path = profile / "MarionetteActivePort"
        for _ in range(1200):
            if path.is_file() and path.read_text():
                return int(path.read_text())
            assert self.process.poll() is None, "Firefox has ended"
            time.sleep(0.1)
        raise TimeoutError("Firefox does not begin")

    def _message(self) -> list:
        """A message is its length, a colon and JSON."""
        size = b""
        while not size.endswith(b":"):
            size += self.file.read(1)
        return json.loads(self.file.read(int(size[:-1])))

    def call(self, command: str, parameters: dict):
        self.count += 1
        message = json.dumps([0, self.count, command, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._message()
        if error:
            raise RuntimeError(f"{command}: {error['message']}")
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def goto(self, url: str) -> None:
        self.call("WebDriver:Navigate", {"url": url})

    def evaluate(self, function: str, argument=None):
        """Return what an async function of the page returns, as Playwright's ``evaluate`` does."""
        script = (
            "const [argument, done] = arguments;"
            f"Promise.resolve(({function})(argument))"
            ".then(value => done({value}), error => done({error: String(error)}));"
        )
        found = self.call("WebDriver:ExecuteAsyncScript", {"script": script, "args": [argument]})
        assert "error" not in found, found
        return found.get("value")

    def close(self) -> None:
        self.socket.close()
        self.process.terminate()
        self.process.wait(30)
