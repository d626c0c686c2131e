# The table that cmake/benchmark.sh prints, from what cell_throughput said with --benchmark_format=json: of the program
# compiled as a user compiles, then (--native) of the one compiled for this processor.
#   awk -f benchmarks/table.awk -v threads=1 -v compiler=.. -v processor=.. plain.json [native.json]
FNR == 1 { ++file }
function value() { sub(/,$/, "", $0); return substr($0, index($0, ":") + 1) + 0 }
function text() { split($0, quoted, "\""); return quoted[4] }
/^ *"simd level":/ { level = text() }
/^ *"run_name":/ { name = text(); aggregate = "" }
/^ *"aggregate_name":/ { aggregate = text() }
/^ *"error_message":/ { print name ": " text(); failed = 1 }
aggregate != "" && aggregate != "median" { next }
/^ *"FLOP\/s":/ { flops[file, name] = value() }
/^ *"peak FLOP\/s":/ { peak[file, name] = value(); if (value() > most) most = value() }
/^ *"per_sample":/ { sample[file, name] = value() }
# The rows as they came, of the first program alone.
/^ *"run_name":/ && file == 1 && name ~ /\/unroll\/forward\// {
  split(name, part, "/")
  if (!(part[1] in seen)) cells[++cell_count] = part[1]
  seen[part[1]] = 1
  size = substr(name, length(part[1]) + length("/unroll/forward/") + 1)
  if (!(size in seen)) sizes[++size_count] = size
  seen[size] = 1
}
function number(letter, size) { return match(size, letter ":[0-9]+") ? substr(size, RSTART + 2, RLENGTH - 2) : "?" }
function ratio(file, cell, pass, size,   theirs) {
  theirs = flops[file, cell "/eigen/" pass "/" size]
  return theirs > 0 ? sprintf("%.2f", flops[1, cell "/unroll/" pass "/" size] / theirs) : "-"
}
function columns(cell, pass, size,   row) {
  row = cell "/unroll/" pass "/" size
  if (!((1, row) in flops)) failed = 1
  return sprintf(" %7.1f %4.0f %% %8s %8s", flops[1, row] / 1e9, 100 * flops[1, row] / (threads * peak[1, row]),
                 ratio(1, cell, pass, size), ratio(2, cell, pass, size))
}
END {
  title["lstm"] = "LSTM"
  title["gru"] = "GRU"
  title["gru-reset-before"] = "GRU, reset before"
  title["rnn"] = "RNN"
  title["own"] = "a cell of one's own"
  printf "%s, level %s, threads %d, %s\n", processor, level, threads, compiler
  printf "the most that a core's registers can do at this level: %.1f GFLOP/s\n\n", most / 1e9
  print "One layer, float32. D inputs, H units, B sequences, T steps. Share: of that most. x Eigen: how many times as fast"
  print "as plain Eigen compiled by the same command; x native: as plain Eigen compiled with -march=native." \
        (threads > 1 ? " Eigen: 1 thread." : "")
  printf "\n%-19s  %3s %4s %3s %5s   %-32s   %s\n", "", "", "", "", "", "training: forward + backward", "forward"
  printf "%-19s  %3s %4s %3s %5s", "cell", "D", "H", "B", "T"
  for (pass = 0; pass < 2; ++pass) printf "   %7s %6s %8s %8s", "GFLOP/s", "share", "x Eigen", "x native"
  print ""
  for (c = 1; c <= cell_count; ++c)
    for (s = 1; s <= size_count; ++s)
      printf "%-19s  %3s %4s %3s %5s  %s  %s\n", title[cells[c]], number("D", sizes[s]), number("H", sizes[s]),
             number("B", sizes[s]), number("T", sizes[s]), columns(cells[c], "forward+backward", sizes[s]),
             columns(cells[c], "forward", sizes[s])
  print "\nOne sample after the other (1 input, 20 units, a dense layer with 1 output), 1 thread: ns a sample"
  printf "\n%-19s  %17s %16s\n", "cell", "one call a sample", "in blocks of 64"
  for (c = 1; c <= cell_count; ++c) {
    if (!((1, cells[c] "/stream/step/H:20") in sample)) failed = 1
    printf "%-19s  %17.0f %16.0f\n", title[cells[c]], 1e9 * sample[1, cells[c] "/stream/step/H:20"],
           1e9 * sample[1, cells[c] "/stream/process/H:20"]
  }
  exit failed || cell_count == 0
}
