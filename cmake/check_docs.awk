# Compares the code in README.md and docs/*.md with the programs the tests build and run:
# awk -f cmake/check_docs.awk README.md docs/*.md, in the root of the repository.
#
#   <!-- snippet: tests/docs/first.cpp#train -->   before a cpp block: the lines between `// region train` and
#                                                  `// endregion` of that file (`// endregion train` where regions
#                                                  overlap; without #name: all of the file)
#   <!-- output: tests/docs/first.out -->          before any block: that file, which the tests compare with what
#                                                  tests/docs/first.cpp prints
# A cpp block without a mark is an error; blocks in other languages are not looked at.
function report(message) {
  failed++
  print block_place ": " message
}
function rstripped(text) {
  sub(/[ \t\r]+$/, "", text)
  return text
}
# The lines of a file or of a region of it, without the indentation they share.
function load(spec,   parts, path, region, line, active, n, lines, indent, shared, i, text, found) {
  split(spec, parts, "#")
  path = parts[1]
  region = parts[2]
  active = region == ""
  n = 0
  shared = -1
  while ((found = (getline line < path)) > 0) {
    line = rstripped(line)
    if (line ~ /^ *\/\/ region /) {
      sub(/^ *\/\/ region +/, "", line)
      if (region != "") active = active || line == region
      continue
    }
    if (line ~ /^ *\/\/ endregion/) {
      sub(/^ *\/\/ endregion */, "", line)
      if (region != "" && (line == "" || line == region)) active = 0
      continue
    }
    if (!active) continue
    lines[++n] = line
    if (line == "") continue
    match(line, /^ */)
    indent = RLENGTH
    if (shared < 0 || indent < shared) shared = indent
  }
  close(path)
  if (found < 0) return "\001"
  text = ""
  for (i = 1; i <= n; i++) text = text substr(lines[i], shared + 1) "\n"
  return text
}
function check(spec, block,   expected, want, got, n, i) {
  expected = load(spec)
  if (expected == "\001") return report("cannot read " spec)
  if (expected == "") return report(spec " is empty or has no such region")
  if (block == expected) {
    passed++
    return
  }
  n = split(expected, want, "\n")
  if (split(block, got, "\n") > n) n = split(block, got, "\n")
  for (i = 1; i <= n && want[i] == got[i]; i++) continue
  report("differs from " spec " in its line " i "\n  here:  " got[i] "\n  there: " want[i])
}
FNR == 1 { mark = ""; inside = 0 }
!inside && /^<!-- (snippet|output): [^ ]+ -->$/ { mark = $3; next }
/^ *```/ {
  if (!inside) {
    inside = 1
    block = ""
    is_cpp = $0 ~ /^ *```(cpp|c\+\+|cc)/
    block_place = FILENAME ":" FNR
  } else {
    inside = 0
    if (mark != "") check(mark, block)
    else if (is_cpp) report("this cpp block has no `<!-- snippet: tests/docs/...#region -->` in front of it")
    mark = ""
  }
  next
}
inside { block = block rstripped($0) "\n"; next }
mark != "" && NF { block_place = FILENAME ":" FNR; report("a mark with no block after it"); mark = "" }
END {
  printf "%d passed, %d failed\n", passed, failed
  exit failed > 0
}
