#!/usr/bin/env python3
"""A stand-in for an S3 server that behaves badly, for tests: bucket.py FOLDER

Serves the files under FOLDER, on loopback, as the objects of any bucket, and checks no signature. The
file FOLDER.port gets the port when it listens, FOLDER.asked a line for each object that is asked for.
A file that has "stall" in its name is announced and never sent. Ends by itself after a minute.
"""
import http.server, os, signal, sys, threading, urllib.parse
from xml.sax.saxutils import escape

ROOT = os.fsencode(sys.argv[1])
LIFETIME = 60  # seconds


def objects():
    """Path within ROOT and size of every file."""
    for where, _, names in os.walk(ROOT):
        for name in names:
            path = os.path.join(where, name)
            yield os.path.relpath(path, ROOT), os.stat(path).st_size


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def begin(self, size):
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def list(self, query):
        prefix = os.fsencode(query.get("prefix", [""])[0])
        rows = "".join(f"<Contents><Key>{escape(urllib.parse.quote(key))}</Key><Size>{size}</Size></Contents>"
                       for key, size in sorted(objects()) if key.startswith(prefix))
        body = f"<ListBucketResult><EncodingType>url</EncodingType>{rows}</ListBucketResult>".encode()
        self.begin(len(body))
        self.wfile.write(body)

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        key = urllib.parse.unquote_to_bytes(parts.path).lstrip(b"/").partition(b"/")[2]
        if not key:
            self.list(urllib.parse.parse_qs(parts.query, errors="surrogateescape"))
            return
        with open(ROOT + b".asked", "ab") as asked:
            asked.write(key + b"\n")
        with open(os.path.join(ROOT, key), "rb") as stream:
            body = stream.read()
        self.begin(len(body))
        self.wfile.flush()
        if b"stall" in key:
            threading.Event().wait()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that has gone is what some tests are about


signal.alarm(LIFETIME)
server = Server(("127.0.0.1", 0), Handler)
with open(ROOT + b".new", "w") as port:
    port.write(str(server.server_port))
os.rename(ROOT + b".new", ROOT + b".port")
server.serve_forever()
