#!/usr/bin/env python3
"""A stand-in for an S3 server that behaves badly, for tests: bucket.py FOLDER [NAME=VALUE...]

Serves the files under FOLDER, on loopback, as the objects of any bucket, or as pages of the web. It checks
no signature. The file FOLDER.port gets the port when it listens, FOLDER.asked a line for each object that
is asked for, FOLDER.faults one for each answer that goes wrong, with the name of what does. A file that has
"stall" in its name is announced and never sent. Ends by itself after ten minutes.

What goes wrong with an answer is drawn anew for each request, by the seed, the key and how often that was
asked for before: so whatever the order of requests, a failure comes again. The shares:

  slow=0.1    503 SlowDown              cut=0.05       half a body, with its Content-Length
  reset=0.05  the connection is reset   cut_unsized=…  half a body without one, and the connection ends
  flip=0.02   a bit is turned           stall=…        half a body, and silence
  error=…     500 InternalError         late=…         403 RequestTimeTooSkewed, of what is signed

  only=TEXT       … only with keys that have TEXT in them
  listing=TEXT    … only with listings of prefixes that have TEXT in them; listing= with all listings
  page=N          keys in a page of the listing; delay=SECONDS before each one. FOLDER.peak has how many
                  were asked for at once at most
  etag=0          no ETag and no Last-Modified; ranges=0: whole answers only; length=0: no Content-Length
  region=NAME     the bucket lives there: other requests get status=301 PermanentRedirect, or with
                  status=400 AuthorizationHeaderMalformed
  skew=SECONDS    the server's clock is wrong, and it wants others to be like it; date=0: and does not tell it
  replaced=TEXT   keys that have TEXT in them were replaced after they were listed; gone=TEXT deleted;
                  denied=TEXT may be listed, but not read; stored=TEXT lie in an archive class
  hang=TEXT       listings of prefixes that have TEXT in them are announced and never sent; hang= all
  keys=ID,TOKEN   only who has this key id and session token may read; keys=none: who signs nothing
  expires=N       a session token has expired when N objects were asked for with it
  virtual=1       the bucket stands in the host's name; tls=FILE: https, with this certificate and key
"""
import calendar, email.utils, hashlib, http.server, os, random, re, signal, socket, struct, sys, threading, time, urllib.parse
from xml.sax.saxutils import escape

ROOT = os.fsencode(sys.argv[1])
OPTION = dict(argument.split("=", 1) for argument in sys.argv[2:])
FAULTS = ["slow", "error", "reset", "cut", "cut_unsized", "flip", "stall", "late"]
MD5_UP_TO = 8 << 20  # bytes: larger objects have no ETag
asked_before, used, lock = {}, {}, threading.Lock()


def option(name, default=""):
    return OPTION.get(name, default)


def has(name, key):
    return name in OPTION and OPTION[name].encode() in key


def now():
    return time.time() + float(option("skew", "0"))


def objects():
    """Path within ROOT, size and ETag of every file."""
    for where, _, names in os.walk(ROOT):
        for name in names:
            path = os.path.join(where, name)
            yield os.path.relpath(path, ROOT), os.stat(path).st_size, etag_of(path)


def etag_of(path):
    if option("etag", "1") == "0" or os.stat(path).st_size > MD5_UP_TO:
        return ""
    with open(path, "rb") as stream:
        return hashlib.md5(stream.read()).hexdigest()


def draw(key, prefix):
    """The fault of this answer, or None, and the dice for its details."""
    with lock:
        asked_before[key] = count = asked_before.get(key, 0) + 1
    dice = random.Random(f"{option('seed', '0')} {count} {key!r}")
    if "only" in OPTION and not has("only", key):
        return None, dice
    if "listing" in OPTION and (prefix is None or not has("listing", prefix)):
        return None, dice
    point = dice.random()
    for fault in FAULTS:
        point -= float(option(fault, "0"))
        if point < 0:
            with lock, open(ROOT + b".faults", "a") as faults:
                faults.write(fault + "\n")
            return fault, dice
    return None, dice


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return email.utils.formatdate(now() if timestamp is None else timestamp, usegmt=True)

    def send_header(self, name, value):
        if name != "Date" or option("date", "1") != "0":
            super().send_header(name, value)

    def refuse(self, status, code, more="", **headers):
        body = f"<Error><Code>{code}</Code>{more}</Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def is_refused(self, key, etag):
        signed = self.headers.get("Authorization", "")
        who = re.search(r"Credential=([^/]+)/", signed)
        token = self.headers.get("x-amz-security-token", "")
        if option("keys") not in ("", f"{who[1]},{token}" if who else "none"):
            self.refuse(403, "InvalidAccessKeyId")
            return True
        if key and "expires" in OPTION:
            with lock:
                used[token] = used.get(token, 0) + 1
            if used[token] > int(OPTION["expires"]):
                self.refuse(400, "ExpiredToken")
                return True
        if token and "x-amz-security-token" not in signed:
            self.refuse(403, "SignatureDoesNotMatch")
            return True
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/", signed)
        region = option("region")
        if region and scope and scope[1] != region:
            if option("status", "301") == "301":
                self.refuse(301, "PermanentRedirect", x_amz_bucket_region=region)
            else:
                self.refuse(400, "AuthorizationHeaderMalformed", f"<Region>{region}</Region>")
            return True
        stamp = self.headers.get("x-amz-date", "")
        if "skew" in OPTION and stamp:
            asked = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
            if abs(asked - now()) > 900:
                self.refuse(403, "RequestTimeTooSkewed")
                return True
        wanted = self.headers.get("If-Match", "").strip('"')
        if has("gone", key):
            self.refuse(404, "NoSuchKey")
        elif has("denied", key):
            self.refuse(403, "AccessDenied")
        elif has("stored", key):
            self.refuse(403, "InvalidObjectState")
        elif wanted and (has("replaced", key) or wanted != etag):
            self.refuse(412, "PreconditionFailed")
        else:
            return False
        return True

    def end_now(self, reset=False):
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

    def answer(self, key, body, etag="", stall=False, prefix=None):
        """Sends body as it is asked for, or what the dice make of it."""
        fault, dice = draw(key, prefix)
        if fault == "slow":
            return self.refuse(503, "SlowDown")
        if fault == "error":
            return self.refuse(500, "InternalError")
        if fault == "late" and self.headers.get("Authorization"):
            return self.refuse(403, "RequestTimeTooSkewed")
        if fault == "reset" and dice.random() < 0.5:
            return self.end_now(reset=True)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and option("ranges", "1") == "1" else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if etag:
            self.send_header("ETag", f'"{etag}"')
        body = body[start:]
        unsized = fault == "cut_unsized" or option("length", "1") == "0"
        if unsized:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.flush()
        if stall:
            threading.Event().wait()
        if fault == "flip" and body:
            place = dice.randrange(len(body))
            body = body[:place] + bytes([body[place] ^ 1 << dice.randrange(8)]) + body[place + 1:]
        if fault in ("cut", "cut_unsized", "reset", "stall"):
            self.wfile.write(body[:dice.randrange(len(body)) if body else 0])
            if fault == "stall":
                threading.Event().wait()
            return self.end_now(reset=fault == "reset")
        self.wfile.write(body)

    def list(self, query):
        prefix = os.fsencode(query.get("prefix", [""])[0])
        after = os.fsencode(query.get("continuation-token", [""])[0])
        if self.is_refused(b"", ""):
            return
        slash = os.fsencode(query.get("delimiter", [""])[0])
        with Peak():
            time.sleep(float(option("delay", "0")))
        found = []
        for row in sorted(objects()):
            head, mark, _ = row[0][len(prefix):].partition(slash) if slash else (row[0], b"", b"")
            if not row[0].startswith(prefix):
                continue
            if mark:
                row = (prefix + head + mark, None, None)
            if row[0] > after and row not in found[-1:]:
                found.append(row)
        page = found[:int(option("page", "100000"))]
        rows = "".join(f"<CommonPrefixes><Prefix>{escape(urllib.parse.quote(key))}</Prefix></CommonPrefixes>"
                       if size is None else
                       f"<Contents><Key>{escape(urllib.parse.quote(key))}</Key><Size>{size}</Size>"
                       f"<ETag>{etag}</ETag></Contents>" for key, size, etag in page)
        more = ""
        if len(page) < len(found):
            more = ("<IsTruncated>true</IsTruncated><NextContinuationToken>"
                    f"{escape(os.fsdecode(page[-1][0]))}</NextContinuationToken>")
        body = f"<ListBucketResult><EncodingType>url</EncodingType>{rows}{more}</ListBucketResult>"
        self.answer(b"", body.encode(), stall=has("hang", prefix), prefix=prefix)

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        key = urllib.parse.unquote_to_bytes(parts.path).lstrip(b"/")
        if option("virtual") == "":
            key = key.partition(b"/")[2]
        elif not self.headers["Host"].startswith("zoo."):
            self.refuse(404, "NoSuchBucket")
            return
        if not key:
            self.list(urllib.parse.parse_qs(parts.query, errors="surrogateescape"))
            return
        with lock, open(ROOT + b".asked", "ab") as asked:
            asked.write(key + b"\n")
        path = os.path.join(ROOT, key)
        if not os.path.isfile(path):
            self.refuse(404, "NoSuchKey")
            return
        etag = etag_of(path)
        if self.is_refused(key, etag):
            return
        with open(path, "rb") as stream:
            body = stream.read()
        self.answer(key, body, etag, stall=b"stall" in key)


class Peak:
    """Counts who is in it."""
    now = most = 0

    def __enter__(self):
        with lock:
            Peak.now += 1
            if Peak.now > Peak.most:
                Peak.most = Peak.now
                with open(ROOT + b".peak", "w") as peak:
                    peak.write(str(Peak.most))

    def __exit__(self, *_):
        with lock:
            Peak.now -= 1


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        pass  # a client that has gone is what some tests are about


signal.alarm(600)
server = Server(("127.0.0.1", 0), Handler)
if option("tls"):
    import ssl  # the others are quicker without
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(option("tls"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(ROOT + b".new", "w") as port:
    port.write(str(server.server_port))
os.rename(ROOT + b".new", ROOT + b".port")
server.serve_forever()
