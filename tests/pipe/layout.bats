#!/usr/bin/env bats
# What psfetch makes of the folders of a set: classes, splits, and what is no part of it.
load ../helper

# images STREAM: "key class split" of each image, a line each.
images() {
    records "$1" | jq -rs '.[0].classes as $c | .[] | select(.type == "image") | "\(.key) \($c[.label]) \(.split)"'
}
classes() {
    records "$1" | jq -r 'select(.type == "header") | .classes | join(" ")'
}

# put FILE...: each a picture.
put() {
    local file
    [ -e one.png ] || picture one.png 2 2 9
    for file; do
        mkdir -p "$(dirname "$file")"
        cp one.png "$file"
    done
}

# The set that comes with what other programs leave in it.
littered() {
    put zoo/cat/1.png zoo/cat/2 zoo/dog/1.png zoo/stray.png
    mkdir zoo/docs
    echo MIT | tee zoo/LICENSE zoo/docs/README >zoo/cat/README
    # shellcheck disable=SC2016
    touch 'zoo/cat_$folder$' zoo/_SUCCESS
}

@test "files without a suffix are images when they begin like one; a folder of others is no class" {
    littered
    ends 0 psfetch zoo
    [ "$(images out | xargs)" = "cat/1.png cat train cat/2 cat train dog/1.png dog train" ]
    [ "$(classes out)" = "cat dog" ]
    # shellcheck disable=SC2016
    grep -qF 'zoo: left out 5 files: 5 without a suffix (' err
    grep -qF ' and 2 more)' err
    grep -q "zoo: left out 1 image in no folder that could be its class: stray.png" err
    [ "$(wc -l <err)" -eq 2 ]
    mv out folder.ps
    for archive in zoo.tar zoo.tar.gz; do
        tar -caf "$archive" -C zoo .
        ends 0 psfetch "$archive"
        cmp <(images folder.ps) <(images out)
        grep -qF "$archive: left out 5 files: 5 without a suffix (" err
    done
    mkdir none && echo hello >none/README
    ends 1 psfetch none
    grep -q "none holds no images, but 1 file: 1 without a suffix (README); psfetch reads PNG" err
}

@test "of a bucket, a few objects without a suffix are looked at, and of many the others decide" {
    littered
    rm zoo/cat/2
    put zoo/dog/2
    serve zoo
    ends 0 psfetch s3://zoo
    [ "$(images out | xargs)" = "cat/1.png cat train dog/1.png dog train dog/2 dog train" ]
    grep -qF "s3://zoo: left out 5 files: 5 without a suffix (" err
    # Empty ones are not asked for.
    [ "$(sort zoo.asked | uniq -c | xargs)" = "1 LICENSE 1 cat/1.png 1 cat/README 1 docs/README 1 dog/1.png 2 dog/2" ]
    tee zoo/docs/{1..70} <zoo/LICENSE >/dev/null
    tee zoo/cat/{1..80}.png <one.png >/dev/null
    rm zoo/dog/2
    ends 0 psfetch s3://zoo
    [ "$(images out | wc -l)" -eq 81 ]
    grep -qF "left out 75 files: 75 without a suffix" err
    rm -r zoo/cat zoo/docs/* zoo/LICENSE
    tee zoo/docs/{1..70} <one.png >/dev/null
    ends 0 psfetch s3://zoo
    [ "$(images out | wc -l)" -eq 71 ]
}

@test "folders that lose most of what they hold by its suffix are named" {
    put photos/cat/{1..3}.png photos/dog/1.png photos/ox/1.jpe photos/ox/2.jfif
    touch photos/cat/{1..4}.TIF photos/cat/notes.txt photos/dog/2.heic photos/{a,b,c}.tga
    ends 0 psfetch photos
    grep -q "photos: left out 9 files: 4 named .tif, 3 named .tga, 1 named .heic, 1 named .txt" err
    grep -q "photos/cat: left out 4 of the 7 images in it, named .tif: psfetch reads PNG.* files; convert them" err
    grep -q "^psfetch: photos: left out 3 of the 3 images in it, named .tga:" err
    no grep -q "photos/dog" err
    [ "$(classes out)" = "cat dog ox" ]
    put many/z/1.png
    mkdir many/{a..e} && touch many/{a..e}/1.tif
    ends 0 psfetch many
    [ "$(tail -n 1 err)" = "psfetch: many: the same in 2 more folders" ]
    mkdir shards && touch shards/a.tar.gz
    ends 1 psfetch shards
    grep -qF "an archive is a source by its own name, shards/*.tar say" err
    mkdir tiff && touch tiff/{1..3}.tif
    ends 1 psfetch tiff
    grep -q "tiff holds no images, but 3 files: 3 named .tif; psfetch reads PNG.* files" err
}

@test "with --skip-bad a class that has no good image is named, for the header has it" {
    put photos/cat/1.png photos/cat/2.png photos/dog/1.png
    echo "no picture" >photos/cat/1.png
    ends 0 psfetch --skip-bad photos
    no grep -q "all images" err
    echo "no picture" >photos/cat/2.png
    ends 0 psfetch -v --skip-bad photos
    grep -q "psfetch: all images of the class cat are bad, and the header has named it: --exclude leaves it out" err
    grep -q "psfetch: 1 image of 1 class: 1 train" err
    [ "$(classes out)" = "cat dog" ]
    ends 0 psfetch --skip-bad photos --exclude 'cat/*'
    [ "$(classes out)" = dog ]
    [ ! -s err ]
}

@test "--split-folders, and a remark where folders look like splits" {
    put ds/train/cat/{1..4}.png ds/train/dog/{1..4}.png ds/val/cat/1.png ds/Test/dog/1.png ds/Test/cat/1.png
    ends 0 psfetch ds
    grep -q "ds: the images in its folders for train, validation and test are all taken alike; --split-folders" err
    [ "$(images out | cut -d ' ' -f 3 | sort | uniq -c | xargs)" = "11 train" ]
    no grep -q split-folders out
    put ds/extra/cat/1.png
    ends 0 psfetch ds --split-folders
    [ "$(images out | cut -d ' ' -f 3 | sort | uniq -c | xargs)" = "2 test 8 train 1 validation" ]
    [ "$(classes out)" = "cat dog" ]
    grep -q "ds: left out 1 image in no folder that could be its class: extra/cat/1.png" err
    [ "$(records out | jq -r 'select(.type == "header") | .options["split-folders"]')" = true ]
    mv out folder.ps
    tar -cf ds.tar ds
    ends 0 psfetch ds.tar --split-folders
    cmp <(images folder.ps) <(images out | sed 's|^ds/||')
    # Sources can be splits themselves.
    ends 0 psfetch ds/train ds/Test
    grep -q "psfetch: the sources for train and test are all taken alike; --split-folders" err
    ends 0 psfetch ds/train ds/Test --split-folders
    [ "$(images out | cut -d ' ' -f 3 | sort | uniq -c | xargs)" = "2 test 8 train" ]
    [ ! -s err ]
    # What is left to divide are the images for training.
    ends 0 psfetch ds --split-folders --split 0.5
    [ "$(images out | cut -d ' ' -f 3 | sort | uniq -c | xargs)" = "2 test 4 train 5 validation" ]
}

@test "a --split that leaves nothing for validation says so" {
    put few/cat/{1..4}.png few/dog/{1..3}.png
    ends 0 psfetch few --split 0.9
    [ "$(cat err)" = "psfetch: --split 0.9 leaves no image for validation: no class has enough of them" ]
    ends 0 psfetch few --split 1
    [ ! -s err ]
    put few/cat/{5,6}.png
    ends 0 psfetch few --split 0.9
    [ ! -s err ]
}

@test "a class that has images to test on and none to learn from is named" {
    put tiny/train/n{1,2}/images/1.png tiny/val/images/{1,2}.png
    ends 0 psfetch tiny --split-folders --class-level 1
    [ "$(classes out)" = "images n1 n2" ]
    grep -q "psfetch: no image of the class images is for training, so no network can learn it: --exclude leaves it out" err
    ends 0 psfetch tiny --split-folders --class-level 1 --exclude 'val/*'
    [ ! -s err ]
    # A set for tests alone has nothing to learn, and says so of no class.
    ends 0 psfetch tiny/train --class-level 1 --as test
    [ ! -s err ]
}

@test "--class-level takes another folder than the last, counted from the source" {
    put tiny/n1/images/1.png tiny/n1/images/2.png tiny/n2/images/1.png
    ends 0 psfetch tiny
    [ "$(classes out)" = images ]
    grep -q "tiny: all images lie in folders called images, so there is one class; --class-level 1 takes" err
    ends 0 psfetch tiny --class-level 1
    [ "$(images out | xargs)" = "n1/images/1.png n1 train n1/images/2.png n1 train n2/images/1.png n2 train" ]
    [ ! -s err ]
    [ "$(records out | jq -r 'select(.type == "header") | .options["class-level"]')" = 1 ]
    mv out folder.ps
    tar -cf tiny.tar -C tiny .
    psfetch -q tiny.tar --class-level 1 >out
    cmp <(images folder.ps) <(images out)
    # A shard of it has its classes as last folders.
    psfetch -q tiny --class-level 1 --write-shard flat.tar
    psfetch -q flat.tar >out
    [ "$(classes out)" = "n1 n2" ]
    ends 0 psfetch tiny/n1 tiny/n2 --class-level 0
    [ "$(classes out)" = "n1 n2" ]
}

@test "a set of one folder keeps its name, and the listing its digest" {
    put flat/1.png flat/2.png set/cat/1.png set/dog/2.png
    psfetch -q flat >out
    [ "$(classes out)" = flat ]
    truncate -s 200 set/*/*.png # whatever zlib makes of a picture
    psfetch -q set >out
    # As before there were labels, levels and strays.
    [ "$(records out | jq -r 'select(.type == "header") | .source[0]')" = folder:4ed75967675778ad ]
    tar -cf set.tar -C set .
    psfetch -q set.tar >packed.ps
    [ "$(records packed.ps | jq -r 'select(.type == "header") | .source[0]')" = tar:4ed75967675778ad ]
    [ "$(records out | jq -c 'select(.type == "header") | .options | keys_unsorted')" = \
        '["split","seed","as","limit","include","exclude","resize","channels","skip-bad"]' ]
}

@test "a class is one, however its accents are written" {
    put mac/$'cafe\u0301'/1.png linux/$'caf\u00e9'/1.png both/$'cafe\u0301'/1.png both/$'caf\u00e9'/1.png
    psfetch -q mac >mac.ps
    psfetch -q linux >linux.ps
    [ "$(classes mac.ps)" = "$(classes linux.ps)" ]
    psfetch -q both >both.ps
    [ "$(classes both.ps)" = "$(classes linux.ps)" ]
    psfetch -q mac --write-shard mac.tar
    [ "$(tar -tf mac.tar | wc -l)" -eq 1 ]
    psfetch -q mac.tar >out
    cmp <(images mac.ps) <(images out)
}

@test "at the end -v tells images, classes and splits" {
    put photos/cat/{1..4}.png photos/dog/{1..4}.png
    ends 0 psfetch -v photos --split 0.75
    [ "$(cat err)" = "psfetch: 8 images of 2 classes: 6 train, 2 validation" ]
    ends 0 psfetch photos --split 0.75
    [ ! -s err ]
    need script
    script -qec "psfetch photos --limit 1 >out" /dev/null </dev/null >said
    grep -q "psfetch: 1 image of 1 class: 1 train" said
    script -qec "psfetch -q photos --limit 1 >out" /dev/null </dev/null >said
    [ ! -s said ]
}
