#!/usr/bin/env bats
# Where psfetch gets its S3 keys, and how it finds the server.
load ../helper

teardown() {
    local pid
    for pid in "${started[@]}"; do
        kill "$pid"
    done
}

# start_server PROGRAM NAME [ARGUMENT...]: its port in $port.
start_server() {
    local program=$1 name=$2
    shift
    rm -f "$name.port" "$name.asked"
    /usr/bin/python3 "$REPOSITORY/tests/servers/$program" "$@" >"$name.log" 2>&1 3>&- &
    started+=($!)
    wait_for 10 test -s "$name.port"
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
    printf '%s\n' '#!/bin/sh' 'echo "{\"Version\":1,\"AccessKeyId\":\"IDTEMP\",' \
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
    grep -q "answers what is no JSON object" err
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
    grep -q "answers what is no JSON object" err
    # The profile comes first, and the environment before it.
    rm agent.asked
    profile "aws_access_key_id = IDTEMP" "aws_secret_access_key = hidden" "aws_session_token = hidden-token"
    ends 0 psfetch s3://zoo
    AWS_ACCESS_KEY_ID=other AWS_SECRET_ACCESS_KEY=hidden ends 1 psfetch s3://zoo
    grep -q InvalidAccessKeyId err
    [ ! -e agent.asked ]
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
}
