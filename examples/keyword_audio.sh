#!/bin/sh
# Spoken words for the example keyword, by espeak-ng (Debian's package of that name): sh examples/keyword_audio.sh DIR
# makes DIR/{train,valid,test}/WORD/*.wav. Voices of the test are heard nowhere else; the words in other/ are not to be
# spotted, and those of the test are others than those of training. Two minutes, 300 MB.
set -eu

[ $# -eq 1 ] || { echo "usage: sh examples/keyword_audio.sh DIR" >&2; exit 2; }
command -v espeak-ng >/dev/null || { echo "espeak-ng is not installed" >&2; exit 1; }

accents="en-us en-gb en-gb-x-rp en-gb-scotland en-gb-x-gbclan en-029"
keywords="yes no up down left right on off stop go"
others_known="one two seven house happy tree bed bird cat dog wow Sheila Marvin water music never over under again open
  close start light dark little think about yellow orange window table number person system morning letter"
others_new="three nine eight zero four paper river doctor summer apple coffee garden people money story answer question
  winter station hello thanks before maybe"

# say PART FOLDER WORD VARIANTS SPEEDS PITCHES
say() {
  mkdir -p "$out/$1/$2"
  for accent in $accents; do
    for variant in $4; do
      for speed in $5; do
        for pitch in $6; do
          espeak-ng -v "$accent+$variant" -s "$speed" -p "$pitch" -w "$out/$1/$2/$3-$accent-$variant-$speed-$pitch.wav" "$3"
        done
      done
    done
  done
}

out=$1
for word in $keywords; do
  say train "$word" "$word" "m1 m2 m3 m4 m5 f1 f2 f3 Alex Annie Gene2 klatt2" "120 160 200" "35 65"
  say valid "$word" "$word" "m6 f4" "110 140 180" "50"
  say test "$word" "$word" "m7 f5 Andy Linda Lee" "110 140 180" "50"
done
for word in $others_known; do
  say train other "$word" "m1 m3 m5 f1 f3 Alex Annie klatt2" "160" "50"
  say valid other "$word" "m6 f4" "150" "50"
done
for word in $others_new; do
  say test other "$word" "m7 f5 Andy Linda Lee" "150" "50"
done
