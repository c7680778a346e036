#!/usr/bin/env python3
"""Puts files into an S3 server, for tests: put.py ENDPOINT BUCKET FOLDER [PREFIX], or FILE.json

Makes BUCKET and stores every file under FOLDER with the key PREFIX + its path; or all that the file has,
{key: body in base64}, for keys that no file can have. The server's keys come from
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. It signs on its own, in another language than psfetch: two
programs that agree with a server must both be right.
"""
import base64, datetime, hashlib, hmac, http.client, json, os, sys, time, urllib.parse
from concurrent.futures import ThreadPoolExecutor

WORKERS = 8


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signed_headers(host, path, body):
    """The headers of a PUT of body to the encoded path, Authorization among them."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": host, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), "x-amz-date": now}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"PUT\n{path}\n\n{lines}\n{names}\n{headers['x-amz-content-sha256']}"
    scope = f"{now[:8]}/us-east-1/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = digest(key, part)
    headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}, "
                                f"SignedHeaders={names}, Signature={digest(key, text).hex()}")
    return headers


def put(connection, host, path, body):
    """A server that is asked too much, 503, is asked again."""
    for attempt in range(40):
        connection.request("PUT", path, body, signed_headers(host, path, body))
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 503:
            break
        time.sleep(0.25)
    if answer.status not in (200, 201, 204):
        sys.exit(f"put.py: PUT {path}: status {answer.status}: {text.decode(errors='replace')}")


def main():
    endpoint, bucket, folder = sys.argv[1:4]
    prefix = sys.argv[4] if len(sys.argv) > 4 else ""
    host = urllib.parse.urlsplit(endpoint).netloc
    if folder.endswith(".json"):
        with open(folder) as stream:
            bodies = [(key, base64.b64decode(text)) for key, text in json.load(stream).items()]
    else:
        bodies = sorted((prefix + os.path.relpath(os.path.join(where, name), folder), os.path.join(where, name))
                        for where, _, names in os.walk(folder) for name in names)

    def put_some(start):
        connection = http.client.HTTPConnection(host, timeout=60)
        for key, body in bodies[start::WORKERS]:
            if isinstance(body, str):
                with open(body, "rb") as stream:
                    body = stream.read()
            put(connection, host, f"/{bucket}/" + urllib.parse.quote(key, safe="/~"), body)
        connection.close()

    put(http.client.HTTPConnection(host, timeout=60), host, f"/{bucket}", b"")
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(put_some, range(WORKERS)))
    print(f"{len(bodies)} objects in s3://{bucket}/{prefix}")


main()
