#!/usr/bin/env python3
"""A stand-in for those who hand out S3 keys, for tests: keys.py NAME

The metadata service of a machine in Amazon's cloud, version 2, and the agent of a container, under
/container. The file NAME.port gets the port when it listens, NAME.asked a line for each question. Keys
are IDTEMP, hidden/Secret+ and the token hidden-token. Ends by itself after a minute.
"""
import http.server, json, os, signal, sys

NAME = sys.argv[1]
ROLE = "/latest/meta-data/iam/security-credentials/"
KEYS = json.dumps({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "IDTEMP", "SecretAccessKey": "hidden/Secret+",
                   "Token": "hidden-token", "Expiration": "2099-01-01T00:00:00Z", "More": {"a": [1, "}", None]}})


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, text, is_allowed=True):
        with open(NAME + ".asked", "a") as asked:
            asked.write(f"{self.command} {self.path}\n")
        self.send_response(200 if is_allowed else 401)
        self.end_headers()
        self.wfile.write((text if is_allowed else "hidden reason").encode())

    def do_PUT(self):
        self.answer("session-1", self.path == "/latest/api/token"
                    and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "").isdigit())

    def do_GET(self):
        if self.path == "/container":
            self.answer(KEYS, self.headers.get("Authorization") == "Bearer agent")
        elif self.path == "/nonsense":
            self.answer("<html>hidden</html>")
        elif self.path == ROLE:
            self.answer("some-role\n", self.headers.get("X-aws-ec2-metadata-token") == "session-1")
        else:
            self.answer(KEYS, self.path == ROLE + "some-role"
                        and self.headers.get("X-aws-ec2-metadata-token") == "session-1")


signal.alarm(60)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(NAME + ".new", "w") as port:
    port.write(str(server.server_port))
os.rename(NAME + ".new", NAME + ".port")
server.serve_forever()
