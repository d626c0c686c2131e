#!/bin/sh
# Spoken words for the example keyword, by espeak-ng (Debian's package of that name): sh examples/keyword_audio.sh DIR
# makes DIR/{train,valid,test}/WORD/*.wav, fast and slow, high and low. Voices of the test are heard nowhere else; the
# words in other/ are not to be spotted, and those of the test are others than those of training. Two minutes, 350 MB.
set -eu

[ $# -eq 1 ] || { echo "usage: sh examples/keyword_audio.sh DIR" >&2; exit 2; }
command -v espeak-ng >/dev/null || { echo "espeak-ng is not installed" >&2; exit 1; }
out=$1

accents="en-us en-gb en-gb-x-rp en-gb-scotland en-gb-x-gbclan en-029"
voices="m1 m2 m3 m4 m5 f1 f2 f3 Alex Alicia Andrea Annie Diogo Gene Gene2 Henrique Hugo Jacky Marco Mario Michael Mike
  Nguyen adam antonio aunty belinda benjamin boris caleb david ed edward grandma grandpa gustave iven john klatt2 marcelo
  max michel miguel norbert pablo paul pedro quincy rob robert sandro shelby steph travis victor zac anika croak klatt
  klatt3 klatt4 Storm Tweaky"
valid_voices="m6 f4 edward2"
test_voices="m7 f5 Andy linda Lee"
keywords="yes no up down left right on off stop go"
others="one two seven house happy tree bed bird cat dog wow Sheila Marvin water music never over under again open close
  start light dark little think about yellow orange window table number person system morning letter"
test_others="three nine eight zero four paper river doctor summer apple coffee garden people money story answer question
  winter station hello thanks before maybe"

# say PART FOLDER WORD VOICES [ACCENTS...]: one speed and pitch after the other.
turn=0
say() {
  folder=$out/$1/$2 word=$3 of=$4
  shift 4
  mkdir -p "$folder"
  for voice in $of; do
    for accent; do
      turn=$((turn + 1))
      speed=$((110 + 25 * (turn % 5))) pitch=$((20 + 20 * (turn % 4)))
      espeak-ng -v "$accent+$voice" -s $speed -p $pitch -w "$folder/$word-$accent-$voice.wav" "$word"
    done
  done
}

for word in $keywords; do
  say train "$word" "$word" "$voices" $accents
  say valid "$word" "$word" "$valid_voices" $accents
  say test "$word" "$word" "$test_voices" $accents
done
for word in $others; do
  say train other "$word" "$voices" en-us en-gb
  say valid other "$word" "$valid_voices" en-us
done
for word in $test_others; do
  say test other "$word" "$test_voices" en-us en-gb-x-rp
done
