// Files that are replaced as a whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>

#include <unroll/core/error.hpp>
#include <unroll/file/not_regular.hpp>
#include <unroll/file/temporary_file.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Where the symbolic links end that begin at `path`; nothing need be there. Throws where they do not end.
inline std::filesystem::path follow_links(const std::filesystem::path& path) {
  const auto checked = [&](const auto& call, const std::filesystem::path& of) {
    std::error_code error;
    auto result = call(of, error);
    while (error == std::errc::interrupted) result = call(of, error);
    if (error && error != std::errc::no_such_file_or_directory) fail_write(path.string(), "find the file", error);
    return result;
  };
  constexpr auto status = [](const std::filesystem::path& of, std::error_code& error) {
    return std::filesystem::symlink_status(of, error);
  };
  constexpr auto target_of = [](const std::filesystem::path& of, std::error_code& error) {
    return std::filesystem::read_symlink(of, error);
  };
  std::filesystem::path at = path;
  for (int followed = 0; followed <= 40; ++followed) {  // as far as Linux goes
    const auto type = checked(status, at).type();
    if (type != std::filesystem::file_type::symlink) {
      require<FormatError>(type == std::filesystem::file_type::regular || type == std::filesystem::file_type::not_found,
                           path.string(), ": cannot write: ", why_not_regular(type));
      return at;
    }
    at = at.parent_path() / checked(target_of, at);
  }
  fail_write(path.string(), "follow the links", std::make_error_code(std::errc::too_many_symbolic_link_levels));
}

}  // namespace detail

/// Writes the parts, one after the other, as the new contents of `path`: into a new file in the same folder, synced to
/// the disk, then renamed, then the folder synced. At every moment, a power failure included, `path` is the whole old
/// file or the whole new one, and the new one once this has returned (where the folder may be read: another one cannot
/// be synced).
///
/// A symbolic link stays, and the file that it points to is replaced, or made where there is none. The new file has the
/// permissions of the old one before it has any contents, and its owner and group where the system permits; where it
/// does not permit the group, the group may do no more than everybody. Access lists are not copied, and another hard
/// link to the old file keeps the old contents. It is the folder that must permit writing: a file that is read-only is
/// replaced, too.
///
/// Throws FormatError with the path, the operation and the system's reason (disk full, no such folder, links that go
/// round, a folder, pipe or device in the place of a file, ...); then the old file is as it was and the temporary one
/// is gone. A file size limit (RLIMIT_FSIZE) is such an error, not a signal; a signal that interrupts is none. One
/// error alone comes with the new file in place, and says so: the folder cannot be synced. A process killed while it
/// writes leaves `<path>.<process>-<number>.tmp` (without `<path>.` where that would be too long), which nobody reads
/// and anybody may delete.
inline void replace_file(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts) {
  require<FormatError>(!path.empty(), "cannot write a file whose path is empty");
  constexpr std::filesystem::path::value_type zero{};
  require<FormatError>(path.native().find(zero) == path.native().npos,
                       "cannot write a file with a zero byte in its path: ", path.string().c_str());
  const std::filesystem::path target = detail::follow_links(path);
  require<FormatError>(target.has_filename(), path.string(), ": cannot write: the name of a folder, expected a file");
  detail::TemporaryFile file(
      target == path ? path.string() : concat(path.string(), " (a link to ", target.string(), ")"), target);
  file.create();
  for (const auto part : parts) file.write(part);
  file.commit();
}
inline void replace_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  replace_file(path, std::span(&bytes, 1));
}

}  // namespace unroll::inline UNROLL_ABI
