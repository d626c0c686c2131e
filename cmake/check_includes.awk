# The folder list is the architecture: awk -f cmake/check_includes.awk $(find include -name '*.[hi]pp'). A folder includes
# only itself and the folders before it in this list; a header has at most 250 lines. One result per header.
BEGIN {
  n = split("core kind file kernel cell layer loss optim metric head text data network io format train stream testing", folders, " ")
  for (i = 1; i <= n; i++) rank[folders[i]] = i
}
function folder_of(path) {
  sub(/.*unroll\//, "", path)
  return path ~ /\// ? substr(path, 1, index(path, "/") - 1) : ""
}
function of_files(folder) { return folder ~ /^(network|io|format)$/ }
function report(message) {
  bad[FILENAME] = 1
  print FILENAME ":" FNR ": " message
}
FNR == 1 {
  headers++
  folder = folder_of(FILENAME)
  files_allowed = folder != "stream" || FILENAME ~ /stream\/(any_model\.[hi]pp|dynamic_kinds.ipp|compiled_units.hpp)$/
  if (folder != "" && !(folder in rank)) report("folder " folder " is not in the list of folders")
}
FNR == 251 { report("more than 250 lines: find the two purposes that this header has, and give each its own") }
/^#pragma once$/ { once[FILENAME] = 1 }
!/^ *# *include/ { next }
/"/ { report("include in angle brackets: " $0) }
/<unroll\// {
  other = $0
  sub(/.*<unroll\//, "", other)
  sub(/>.*/, "", other)
  if (other !~ /\//) {
    if (folder != "") report(folder "/ includes unroll.hpp, which includes everything")
    next
  }
  other = folder_of(other)
  if (folder == "") {
    if (of_files(other) || other == "testing" || /gzip/) report("unroll.hpp must need neither files, testing/ nor zlib")
  } else if (rank[other] > rank[folder] || !(other in rank)) {
    report(folder "/ includes " other "/, which is not above it")
  } else if (folder == "stream" && (other == "train" || (of_files(other) && !files_allowed))) {
    report("stream/ runs without files and training, but includes " other "/")
  } else if (folder == "testing" && (of_files(other) || other == "train")) {
    report("testing/ must not need " other "/")
  }
}
/<nlohmann\// && folder != "file" && !of_files(folder) { report("nlohmann/json is for those who know files alone") }
/<zlib/ && FILENAME !~ /data\/gzip.hpp$/ { report("zlib is for data/gzip.hpp alone") }
/<(immintrin|arm_neon|x86intrin)/ && folder != "kernel" { report("SIMD is for kernel/ alone") }
END {
  for (i = 1; i < ARGC; i++) {
    if (!(ARGV[i] in once)) {
      bad[ARGV[i]] = 1
      print ARGV[i] ": no #pragma once"
    }
  }
  for (file in bad) failed++
  printf "%d passed, %d failed\n", headers - failed, failed
  exit failed > 0
}
