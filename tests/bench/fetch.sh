#!/usr/bin/env bash
# How fast psfetch fetches, beside the other clients that are installed, on this machine, now: never part
# of a test. Called by make bench, or by hand: fetch.sh [FOLDER of images, in folders]
#
# The images (10,000 drawn PNGs without a FOLDER) lie here, on an nginx that serves files and a ready-made
# listing, and on a radosgw, where these programs are installed; all on 127.0.0.1. Everyone gets them three
# times, one program after the other in each round, and the best round counts; who takes longer than ten
# seconds, or fails, does it once. psfetch decodes them too; the others write them to files in memory.
# bare_get is the limit: libcurl with as many connections, which only counts the bytes and needs no listing.
# objects is psfetch's network without the decoding.
set -eEuo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
export PATH=$repository/bin:$repository/build/tests/bench:$PATH:/usr/sbin LC_ALL=C.UTF-8
python=/usr/bin/python3 # the system's, which has Debian's packages
unset "${!AWS_@}"
rounds=3
dir=$(mktemp -d)
servers=()
finish() {
    local file
    for file in ${servers[@]+"${servers[@]}"}; do
        kill "$(cat "$file")" 2>/dev/null || true
    done
    [ ! -d "$dir/rgw" ] || "$repository/tests/servers/radosgw.sh" stop "$dir/rgw"
    rm -rf "$dir"
}
trap finish EXIT
trap "exit 1" INT TERM
cd "$dir"

has() { command -v "$1" >/dev/null; }

# What each client does: its output is thrown away, or goes into files under $dir/out.
psfetch_s3() { psfetch -q s3://big >/dev/null; }
objects_s3() { objects_bench 64 s3://big; }
bare_get_s3() { bare_get 64 "$AWS_ENDPOINT_URL/big" <keys; }
psfetch_shard() { psfetch -q s3://shard/big.tar >/dev/null; }
psfetch_folder() { psfetch -q "$images" >/dev/null; }
rclone_s3() {
    rclone --config /dev/null copy --transfers 64 --checkers 64 --fast-list \
        ":s3,provider=Other,env_auth=true,endpoint='$AWS_ENDPOINT_URL':big" out
}
aws_s3() {
    aws configure set default.s3.max_concurrent_requests 64
    aws s3 cp --quiet --recursive s3://big out
}
s3cmd_s3() {
    s3cmd -c /dev/null --no-ssl --host "${AWS_ENDPOINT_URL#http://}" --host-bucket "${AWS_ENDPOINT_URL#http://}" \
        --access_key "$AWS_ACCESS_KEY_ID" --secret_key "$AWS_SECRET_ACCESS_KEY" -q get -r s3://big out/
}
pillow_folder() {
    $python - "$images" <<'P'
import os, sys
from PIL import Image
for where, _, names in os.walk(sys.argv[1]):
    for name in names:
        Image.open(os.path.join(where, name)).tobytes()
P
}

# race WHERE CLIENT...: best times of some rounds, as images a second.
race() {
    local where=$1 client round started
    shift
    local -A best=()
    for ((round = 0; round < rounds; round++)); do
        for client; do
            [ "$(awk -v t="${best[$client]-0}" 'BEGIN { print (t > 10 || t < 0) }')" = 0 ] || continue
            rm -rf out && mkdir out
            started=$EPOCHREALTIME
            "$client" >client.log 2>&1 || {
                echo "$where: $client failed: $(tail -n 1 client.log)"
                best[$client]=-1
                continue
            }
            best[$client]=$(awk -v a="$started" -v b="$EPOCHREALTIME" -v c="${best[$client]-}" \
                'BEGIN { t = b - a; print c == "" || t < c ? t : c }')
        done
    done
    for client; do
        [ "${best[$client]}" = -1 ] || awk -v w="$where" -v p="$client" -v n="$count" -v t="${best[$client]}" \
            'BEGIN { printf "%-9s %-15s %8.0f images/s  (%.2f s)\n", w, p, n / t, t }'
    done
}

if [ $# -gt 0 ]; then
    images=$(realpath "$1")
else
    psfetch -q synth:shapes --write-shard drawn.tar
    mkdir drawn && tar -xf drawn.tar -C drawn
    images=$dir/drawn
fi
count=$(find -L "$images" -type f | wc -l)
export HOME=$dir # no profile of the user's
echo "$count images, $(nproc) cores, load $(cut -d ' ' -f 1 /proc/loadavg)"

clients=(psfetch_folder)
if $python -c 'import PIL' 2>/dev/null; then clients+=(pillow_folder); else echo "Pillow is not here"; fi
race folder "${clients[@]}"

(cd "$images" && find -L . -type f -printf '%P\n') | LC_ALL=C sort >keys
clients=(psfetch_s3 objects_s3 bare_get_s3)
for client in rclone aws s3cmd; do
    if has $client; then clients+=("${client}_s3"); else echo "$client is not here"; fi
done

# A listing as S3 has it, all in one page and with the ETags of nginx, and files beside it: no signature is
# looked at.
if has nginx; then
    mkdir -p web/logs && ln -s "$images" web/big
    $python - "$images" >web/list.xml <<'P'
import os, sys
from urllib.parse import quote
print("<ListBucketResult><Name>big</Name><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>")
keys = sorted(os.path.relpath(os.path.join(where, name), sys.argv[1])
              for where, _, names in os.walk(sys.argv[1]) for name in names)
for key in keys:
    status = os.stat(os.path.join(sys.argv[1], key))
    print(f"<Contents><Key>{quote(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
          f'<ETag>"{int(status.st_mtime):x}-{status.st_size:x}"</ETag><Size>{status.st_size}</Size></Contents>')
print("</ListBucketResult>")
P
    port=$($python -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
    cat >web/nginx.conf <<C
$([ "$(id -u)" != 0 ] || echo "user root;")
pid $dir/web/nginx.pid;
error_log $dir/web/logs/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    open_file_cache max=20000;
    keepalive_requests 1000000;
    client_body_temp_path $dir/web/logs; proxy_temp_path $dir/web/logs; fastcgi_temp_path $dir/web/logs;
    uwsgi_temp_path $dir/web/logs; scgi_temp_path $dir/web/logs;
    server {
        listen 127.0.0.1:$port;
        location ~ ^/big/?\$ { default_type application/xml; root $dir/web; rewrite ^ /list.xml break; }
        location / { root $dir/web; }
    }
}
C
    nginx -p web -c "$dir/web/nginx.conf" 2>nginx.log
    servers+=("$dir/web/nginx.pid")
    export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=some AWS_SECRET_ACCESS_KEY=body \
        AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
    race nginx "${clients[@]}"
else
    echo "nginx is not here"
fi

if has radosgw && has ceph-osd; then
    "$repository/tests/servers/radosgw.sh" start "$dir/rgw" >rgw.log 2>&1
    # shellcheck source=/dev/null
    . "$dir/rgw/env"
    $python "$repository/tests/servers/put.py" "$AWS_ENDPOINT_URL" big "$images" >rgw.log
    mkdir shards && psfetch -q "$images" --write-shard shards/big.tar
    $python "$repository/tests/servers/put.py" "$AWS_ENDPOINT_URL" shard shards >rgw.log
    race radosgw "${clients[@]}" psfetch_shard
else
    echo "radosgw is not here"
fi
