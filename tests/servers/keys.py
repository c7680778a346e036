#!/usr/bin/env python3
"""A stand-in for those who hand out S3 keys, for tests: keys.py NAME [fresh]

The metadata service of a machine in Amazon's cloud, version 2; the agent of a container, under /container;
and the token service for web identities, at / for POST. The file NAME.port gets the port when it listens,
NAME.asked a line for each question. Keys are IDTEMP, hidden/Secret+ and the token hidden-token; with fresh
the token gets a number, another one each time. Ends by itself after ten minutes.
"""
import http.server, itertools, json, os, signal, sys, urllib.parse

NAME = sys.argv[1]
ROLE = "/latest/meta-data/iam/security-credentials/"
number = itertools.count(1)


def token():
    return f"hidden-token-{next(number)}" if "fresh" in sys.argv else "hidden-token"


def keys():
    return json.dumps({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "IDTEMP", "SecretAccessKey": "hidden/Secret+",
                       "Token": token(), "Expiration": "2099-01-01T00:00:00Z", "More": {"a": [1, "}", None]}})


def identity_keys():
    return ("<AssumeRoleWithWebIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
            "<AssumeRoleWithWebIdentityResult><Audience>sts</Audience><Credentials>"
            f"<AccessKeyId>IDTEMP</AccessKeyId><SecretAccessKey>hidden/Secret+</SecretAccessKey>"
            f"<SessionToken>{token()}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
            "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, text, is_allowed=True, status=401, refusal="hidden reason"):
        with open(NAME + ".asked", "a") as asked:
            asked.write(f"{self.command} {self.path}\n")
        self.send_response(200 if is_allowed else status)
        self.end_headers()
        self.wfile.write((text() if is_allowed else refusal).encode())

    def do_PUT(self):
        self.answer(lambda: "session-1", self.path == "/latest/api/token"
                    and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "").isdigit())

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(identity_keys, form == {"Action": ["AssumeRoleWithWebIdentity"], "Version": ["2011-06-15"],
                                            "RoleArn": ["arn:aws:iam::1:role/some"], "RoleSessionName": ["psfetch"],
                                            "WebIdentityToken": ["hidden+identity/="]}, 400,
                    "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>hidden</Message></Error></ErrorResponse>")

    def do_GET(self):
        if self.path == "/container":
            self.answer(keys, self.headers.get("Authorization") == "Bearer agent")
        elif self.path == "/nonsense":
            self.answer(lambda: "<html>hidden</html>")
        elif self.path == ROLE:
            self.answer(lambda: "some-role\n", self.headers.get("X-aws-ec2-metadata-token") == "session-1")
        else:
            self.answer(keys, self.path == ROLE + "some-role"
                        and self.headers.get("X-aws-ec2-metadata-token") == "session-1")


signal.alarm(600)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(NAME + ".new", "w") as port:
    port.write(str(server.server_port))
os.rename(NAME + ".new", NAME + ".port")
server.serve_forever()
