#!/usr/bin/env bats
# Where psfetch gets its S3 keys, and how it finds the server.
load ../helper

# start_server PROGRAM NAME [ARGUMENT...]: its port in $port.
start_server() {
    local program=$1 name=$2
    shift
    rm -f "$name.port" "$name.asked"
    /usr/bin/python3 -S "$REPOSITORY/tests/servers/$program" "$@" >"$name.log" 2>&1 3>&- &
    wait_for test -s "$name.port"
    port=$(cat "$name.port")
}

# serve [NAME=VALUE...]: tests/servers/bucket.py with the images of zoo; the user has no home.
serve() {
    picture zoo/cat/1.png 2 2 7
    picture zoo/dog/1.png 2 2 8
    start_server bucket.py zoo "$@"
    export AWS_ENDPOINT_URL=http://127.0.0.1:$port HOME=$PWD
}

use() {
    # shellcheck disable=SC2163
    export "$@"
}

# profile LINE...: what the default profile says.
profile() {
    mkdir -p .aws
    printf '%s\n' "[default]" "$@" >.aws/config
}

@test "keys from a program that the profile names" {
    serve keys=IDTEMP,hidden-token
    printf '%s\n' '#!/bin/sh' 'echo "{\"Version\":1,\"Account\":\"M\\\\u00fcller\",\"AccessKeyId\":\"IDTEMP\",' \
        '\"SecretAccessKey\":\"hidden\\\\/Secret+\",\"SessionToken\":\"hidden-token\",\"Expiration\":null}"' >program
    chmod +x program
    profile "credential_process = $PWD/program 'one argument'"
    ends 0 psfetch -v s3://zoo
    [ "$(records out | grep -c '"image"')" -eq 2 ]
    no grep -qa hidden out err
    profile "credential_process = echo '{\"Version\": 1, \"AccessKeyId\": \"hidden\"}'"
    ends 1 psfetch s3://zoo
    grep -q "credential_process of the profile answers without SecretAccessKey" err
    profile "credential_process = echo hidden"
    ends 1 psfetch s3://zoo
    grep -q "the answer of .* is not a JSON object" err
    no grep -q hidden err
    profile "credential_process = exit 7"
    ends 1 psfetch s3://zoo
    grep -q "credential_process of the profile ended with status 7" err
}

@test "keys from the container's agent" {
    start_server keys.py agent
    use "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:$port/container"
    serve keys=IDTEMP,hidden-token
    AWS_CONTAINER_AUTHORIZATION_TOKEN="Bearer agent" ends 0 psfetch s3://zoo
    echo "Bearer agent" >token
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=token ends 0 psfetch s3://zoo
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=nothing ends 1 psfetch s3://zoo
    grep -q "cannot read the token in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, nothing" err
    ends 1 psfetch s3://zoo
    grep -q "the container's agent for S3 keys answers with status 401" err
    no grep -q hidden err
    AWS_CONTAINER_CREDENTIALS_FULL_URI=${AWS_CONTAINER_CREDENTIALS_FULL_URI/container/nonsense} ends 1 psfetch s3://zoo
    grep -q "the answer of .* is not a JSON object" err
    # The profile comes first, and the environment before it.
    rm agent.asked
    profile "aws_access_key_id = IDTEMP" "aws_secret_access_key = hidden" "aws_session_token = hidden-token"
    ends 0 psfetch s3://zoo
    AWS_ACCESS_KEY_ID=other AWS_SECRET_ACCESS_KEY=hidden ends 1 psfetch s3://zoo
    grep -q InvalidAccessKeyId err
    [ ! -e agent.asked ]
}

@test "keys for a web identity, from the token service" {
    start_server keys.py service
    use "AWS_ENDPOINT_URL_STS=http://127.0.0.1:$port/" AWS_ROLE_ARN=arn:aws:iam::1:role/some
    serve keys=IDTEMP,hidden-token
    echo "hidden+identity/=" >token
    AWS_WEB_IDENTITY_TOKEN_FILE=token ends 0 psfetch -v s3://zoo
    [ "$(records out | grep -c '"image"')" -eq 2 ]
    no grep -qa hidden out err
    [ "$(cat service.asked)" = "POST /" ]
    profile "web_identity_token_file = $PWD/token" "role_arn = $AWS_ROLE_ARN"
    (unset AWS_ROLE_ARN && ends 0 psfetch s3://zoo)
    rm .aws/config
    echo other >token
    AWS_WEB_IDENTITY_TOKEN_FILE=token ends 1 psfetch s3://zoo
    grep -q "the token service for web identities answers with status 400 InvalidIdentityToken$" err
    AWS_WEB_IDENTITY_TOKEN_FILE=nothing ends 1 psfetch s3://zoo
    grep -q "cannot read the web identity token nothing: No such file" err
    : >token
    AWS_WEB_IDENTITY_TOKEN_FILE=token ends 1 psfetch s3://zoo
    grep -q "token holds no web identity token" err
    echo other >token
    AWS_ENDPOINT_URL_STS=http://example.org AWS_WEB_IDENTITY_TOKEN_FILE=token ends 1 psfetch s3://zoo
    grep -q "a web identity token is sent by https only, or on this machine, not to http://example.org/" err
}

# What psfetch fetches while its keys expire is what it fetches with keys that do not; $1 questions were
# asked of whoever hands them out, whose name is $2.
outlives() {
    psfetch -v s3://zoo >out 2>err
    cmp clean.ps out
    [ "$(wc -l <"$2.asked")" -eq "$1" ]
    no grep -qa hidden out err
}

@test "keys that expire while objects are fetched are renewed, once for all that are refused" {
    long
    psfetch -q synth:shapes --limit 300 --write-shard zoo.tar
    mkdir zoo
    tar -xf zoo.tar -C zoo
    serve
    AWS_ACCESS_KEY_ID=IDTEMP AWS_SECRET_ACCESS_KEY=hidden psfetch -q s3://zoo >clean.ps
    # A token is good for 90 requests, and 64 are under way when it is refused.
    serve expires=90
    cat >program <<'P'
#!/bin/sh
echo >>program.asked
echo "{\"AccessKeyId\":\"IDTEMP\",\"SecretAccessKey\":\"hidden\",\"SessionToken\":\"hidden$(wc -l <program.asked)\"}"
P
    chmod +x program
    profile "credential_process = $PWD/program"
    outlives 4 program
    grep -q "status 400 ExpiredToken; trying again" err
    rm .aws/config
    start_server keys.py agent fresh
    use "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:$port/container"
    serve expires=90
    AWS_CONTAINER_AUTHORIZATION_TOKEN="Bearer agent" outlives 4 agent
    unset AWS_CONTAINER_CREDENTIALS_FULL_URI
    start_server keys.py machine fresh
    use "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:$port"
    serve expires=90
    AWS_EC2_METADATA_DISABLED=false outlives 12 machine
    echo "hidden+identity/=" >token
    use AWS_ROLE_ARN=arn:aws:iam::1:role/some AWS_WEB_IDENTITY_TOKEN_FILE=token "AWS_ENDPOINT_URL_STS=$AWS_EC2_METADATA_SERVICE_ENDPOINT"
    rm machine.asked
    serve expires=90
    outlives 4 machine
    # An archive that is asked for once more.
    cp zoo.tar zoo/
    serve
    psfetch -q s3://zoo/zoo.tar >archive.ps
    serve expires=1 cut=0.7 seed=2
    psfetch -v s3://zoo/zoo.tar 2>err | cmp - archive.ps
    grep -q "ExpiredToken; trying again" err
}

@test "keys that have expired and cannot be renewed are an error that says what to do" {
    serve expires=0
    AWS_ACCESS_KEY_ID=IDTEMP AWS_SECRET_ACCESS_KEY=hidden AWS_SESSION_TOKEN=hidden ends 1 psfetch s3://zoo
    grep -q "s3://zoo/cat/1.png: status 400 ExpiredToken: the S3 keys have expired: set new ones, or write" err
    start_server keys.py agent
    use "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:$port/container"
    AWS_CONTAINER_AUTHORIZATION_TOKEN="Bearer agent" ends 1 psfetch s3://zoo
    grep -q "ExpiredToken: the container's agent for S3 keys hands out the same S3 keys again" err
    no grep -qa hidden out err
    start_server keys.py other fresh
    AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:$port/container AWS_CONTAINER_AUTHORIZATION_TOKEN="Bearer agent" \
        ends 1 psfetch s3://zoo
    grep -q "s3://zoo/[a-z]*/1.png: status 400 ExpiredToken: the container's agent .* hands out S3 keys that have expired too" err
    [ "$(wc -l <other.asked)" -eq 2 ]
}

@test "keys from the machine's metadata service, unless it is not to be asked" {
    start_server keys.py machine
    use "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:$port/"
    serve keys=IDTEMP,hidden-token
    AWS_EC2_METADATA_DISABLED=false ends 0 psfetch -v s3://zoo
    no grep -qa hidden out err
    [ "$(wc -l <machine.asked)" -eq 3 ]
    ends 1 psfetch s3://zoo
    grep -q "no S3 keys: set AWS_ACCESS_KEY_ID" err
    [ "$(wc -l <machine.asked)" -eq 3 ]
    AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9 ends 1 psfetch s3://zoo
    grep -q "no S3 keys" err
}

@test "without keys only when that is asked for" {
    serve keys=none
    ends 0 psfetch --no-sign-request s3://zoo
    AWS_ACCESS_KEY_ID=IDTEMP AWS_SECRET_ACCESS_KEY=hidden ends 1 psfetch s3://zoo
    grep -q "InvalidAccessKeyId" err
}

# dies SIGNAL PSFETCH_ARGUMENT...: psfetch is ended so while it waits for an object; then there is a file
# core or not. The owner of its environment in /proc, while it lived, is in $owner.
dies() {
    local signal=$1 pid status=0
    shift
    rm -f core* zoo.asked
    (ulimit -c unlimited && exec psfetch "$@" >out 2>err 3>&-) &
    pid=$!
    wait_for test -s zoo.asked
    owner=$(stat -c %u "/proc/$pid/environ")
    kill -s "$signal" "$pid"
    wait "$pid" || status=$?
    [ "$status" -gt 128 ]
}

@test "a core dump holds no keys, for there is none; without keys there is one as ever" {
    (ulimit -c unlimited) || skip "needs leave for core dumps"
    picture zoo/cat/0-stall.png 2 2 7
    serve
    use AWS_ACCESS_KEY_ID=IDTEMP AWS_SECRET_ACCESS_KEY=hidden-secret AWS_SESSION_TOKEN=hidden-token
    for signal in ABRT SEGV; do
        dies $signal --no-sign-request s3://zoo
        if compgen -G "core*"; then
            grep -q hidden-secret core* # from the environment: what we look for would be found
        elif [ "$owner" -eq 0 ]; then
            skip "needs a kernel that writes core dumps into the folder, or a user other than root"
        fi
        dies $signal s3://zoo
        no compgen -G "core*"
        [ "$owner" -eq 0 ]
    done
}

@test "the bucket in the path or in the host's name, as the profile has it" {
    serve
    use AWS_ACCESS_KEY_ID=IDTEMP AWS_SECRET_ACCESS_KEY=hidden
    psfetch -q s3://zoo >path.ps
    serve virtual=1
    ends 1 psfetch s3://zoo
    grep -q NoSuchBucket err
    use "AWS_ENDPOINT_URL=http://localhost:$port"
    profile "s3 =" "  addressing_style = virtual"
    psfetch -q s3://zoo | cmp - path.ps
}

@test "a server's certificate is looked at, with AWS_CA_BUNDLE" {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout key.pem -out cert.pem 2>openssl.log
    cat cert.pem key.pem >both.pem
    serve tls=both.pem
    use AWS_ACCESS_KEY_ID=IDTEMP AWS_SECRET_ACCESS_KEY=hidden "AWS_ENDPOINT_URL=https://127.0.0.1:$port"
    ends 1 psfetch s3://zoo
    grep -q "cannot list s3://zoo/: SSL certificate problem" err
    AWS_CA_BUNDLE=cert.pem ends 0 psfetch s3://zoo
    profile "ca_bundle = $PWD/cert.pem"
    ends 0 psfetch s3://zoo
    psfetch -q zoo --write-shard zoo/zoo.tar.gz
    ends 1 psfetch "https://localhost:$port/b/zoo.tar.gz"
    grep -q "SSL certificate problem" err
    AWS_CA_BUNDLE=cert.pem ends 0 psfetch "https://localhost:$port/b/zoo.tar.gz"
    [ "$(records out | grep -c '"image"')" -eq 2 ]
    { echo url,label && find zoo -name '*.png' -printf "https://localhost:$port/b/%P,a\n"; } >list.csv
    ends 1 psfetch list.csv
    grep -q "SSL certificate problem" err
    AWS_CA_BUNDLE=cert.pem ends 0 psfetch list.csv
    [ "$(records out | grep -c '"image"')" -eq 2 ]
}
