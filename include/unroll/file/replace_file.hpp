// Files that are replaced as a whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

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
UNROLL_API void replace_file(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts);
UNROLL_API void replace_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/file/replace_file.ipp>
#endif
