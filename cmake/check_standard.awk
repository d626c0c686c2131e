# A header includes, itself or by headers of ours, what it names from the standard library, so that it does not lean on
# what Eigen or a compiler's library happens to include: awk -f cmake/check_standard.awk $(find include -name '*.[hi]pp').
# One result per header. A name of std:: that is in no list below is an error too.
function providers_of(name) {
  if (name in providers) return providers[name]
  if (name ~ /^is_.*_v$/) return "type_traits"
  if (name ~ /^memory_order_/) return "atomic"
  return ""
}
function provides(header, list, i, n, names) {
  n = split(list, names, " ")
  for (i = 1; i <= n; i++) providers[names[i]] = providers[names[i]] " " header " "
}
BEGIN {
  provides("Eigen/Core", "Eigen")
  provides("algorithm", "min max clamp sort find copy copy_n fill fill_n max_element unique remove_if nth_element make_heap pop_heap all_of ranges" \
    " min_element stable_sort partial_sort any_of transform reverse swap_ranges upper_bound lower_bound")
  provides("any", "any any_cast")
  provides("array", "array get tuple_size_v tuple_element_t to_array")
  provides("atomic", "atomic")
  provides("bit", "bit_cast rotl rotr endian countr_zero countl_zero popcount bit_ceil")
  provides("charconv", "from_chars to_chars chars_format errc")
  provides("chrono", "chrono")
  provides("cmath", "abs sqrt exp expm1 log log10 log1p log2 pow cos sin tan tanh floor ceil round fma hypot")
  provides("concepts", "same_as convertible_to integral signed_integral unsigned_integral floating_point invocable" \
    " copyable copy_constructible movable regular derived_from constructible_from default_initializable" \
    " equality_comparable")
  provides("condition_variable", "condition_variable")
  provides("cstddef", "size_t ptrdiff_t byte nullptr_t max_align_t")
  provides("cstdint", "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t uintptr_t intptr_t")
  provides("cstdio", "rename remove snprintf size_t FILE")
  provides("cstdlib", "abort atexit getenv size_t")
  provides("cstring", "memchr memcpy memmove memset memcmp strlen strerror size_t")
  provides("exception", "exception exception_ptr current_exception rethrow_exception terminate uncaught_exceptions")
  provides("filesystem", "filesystem")
  provides("fstream", "ifstream ofstream fstream ios streamsize")
  provides("functional", "function less greater hash invoke plus")
  provides("initializer_list", "initializer_list")
  provides("iomanip", "setw setprecision setfill")
  provides("ios", "ios ios_base streamsize left right fixed")
  provides("iostream", "cout cerr clog endl ios left right ostream istream")
  provides("iosfwd", "istream ostream")
  provides("istream", "istream")
  provides("iterator", "istreambuf_iterator back_inserter distance next prev ssize data forward_iterator_tag" \
    " random_access_iterator_tag input_iterator_tag default_sentinel default_sentinel_t iter_reference_t")
  split("array iterator span string string_view vector", containers, " ")
  for (k in containers) provides(containers[k], "begin end size ssize empty")
  provides("limits", "numeric_limits")
  provides("map", "erase_if map multimap less")
  provides("memory", "unique_ptr shared_ptr weak_ptr make_unique make_shared make_unique_for_overwrite addressof" \
    " construct_at destroy_at")
  provides("mutex", "mutex lock_guard unique_lock scoped_lock once_flag call_once")
  provides("new", "align_val_t bad_alloc launder nothrow")
  provides("numbers", "numbers")
  provides("numeric", "iota accumulate gcd inner_product")
  provides("optional", "optional nullopt nullopt_t make_optional")
  provides("ostream", "ostream endl flush ios left right")
  provides("queue", "priority_queue")
  provides("random", "random_device")
  provides("ranges", "ranges")
  provides("set", "set less")
  provides("span", "span as_bytes as_writable_bytes dynamic_extent")
  provides("sstream", "ostringstream istringstream stringstream")
  provides("stdexcept", "length_error invalid_argument runtime_error logic_error out_of_range")
  provides("stop_token", "stop_token stop_source")
  provides("string", "string to_string stod getline hash")
  provides("string_view", "string_view")
  provides("system_error", "error_code errc generic_category system_category system_error make_error_code")
  provides("thread", "thread this_thread")
  provides("tuple", "tuple get tie apply tuple_cat forward_as_tuple make_tuple tuple_size_v tuple_element_t ignore")
  provides("type_traits", "remove_cvref_t remove_const_t remove_reference_t conditional_t type_identity_t" \
    " common_type_t decay_t void_t false_type true_type bool_constant integral_constant invoke_result_t" \
    " make_unsigned_t add_const_t enable_if_t")
  provides("typeinfo", "type_info")
  provides("unordered_map", "unordered_map")
  provides("utility", "move forward pair make_pair swap exchange as_const declval in_range get in_place" \
    " index_sequence index_sequence_for make_index_sequence integer_sequence tuple_size_v tuple_element_t")
  provides("variant", "variant visit get get_if holds_alternative monostate variant_size_v variant_alternative_t")
  provides("vector", "vector")
}
FNR == 1 {
  header = FILENAME
  sub(/.*unroll\//, "unroll/", header)
  file[header] = FILENAME
}
/^ *# *include *<.*\.ipp>/ { next }  # bodies, which the compiled part takes away
/^ *# *include *</ {
  other = $0
  sub(/^[^<]*</, "", other)
  sub(/>.*/, "", other)
  included[header] = included[header] " " other
  next
}
{
  gsub(/"([^"\\]|\\.)*"/, "")
  sub(/\/\/.*/, "")
  if (/Eigen::/ && !((header, "Eigen") in line)) {
    used[header] = used[header] " Eigen"
    line[header, "Eigen"] = FNR
  }
  while (match($0, /std::[A-Za-z_0-9]+/)) {
    name = substr($0, RSTART + 5, RLENGTH - 5)
    if (!((header, name) in line)) used[header] = used[header] " " name
    if (!((header, name) in line)) line[header, name] = FNR
    $0 = substr($0, RSTART + RLENGTH)
  }
}
# What a header brings, of ours and of the standard library: adds to `reached`.
function reach(from, i, n, list) {
  n = split(included[from], list, " ")
  for (i = 1; i <= n; i++)
    if (!(list[i] in reached)) {
      reached[list[i]] = 1
      if (list[i] in file) reach(list[i])
    }
}
END {
  for (header in file) {
    split("", reached)
    reach(header)
    bad = 0
    n = split(used[header], names, " ")
    for (i = 1; i <= n; i++) {
      m = split(providers_of(names[i]), from, " ")
      found = 0
      for (k = 1; k <= m; k++) found = found || (from[k] in reached)
      if (found) continue
      bad = 1
      print file[header] ":" line[header, names[i]] ": " names[i] \
        (m > 0 ? " needs #include <" from[1] ">" : " is in no list of cmake/check_standard.awk")
    }
    ++total[bad]
  }
  printf "%d passed, %d failed\n", total[0], total[1]
  exit total[1] > 0
}
