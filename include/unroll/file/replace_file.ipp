// Bodies of file/replace_file.hpp.
#pragma once

#include <string>
#include <system_error>

#include <unroll/file/not_regular.hpp>
#include <unroll/file/replace_file.hpp>
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

UNROLL_FUNCTION void replace_file(const std::filesystem::path& path,
                                  std::span<const std::span<const std::byte>> parts) {
  require<FormatError>(!path.empty(), "cannot write a file whose path is empty");
  constexpr std::filesystem::path::value_type zero{};
  require<FormatError>(path.native().find(zero) == path.native().npos,
                       "cannot write a file with a zero byte in its path: ", path.string().c_str());
  const std::filesystem::path target = detail::follow_links(path);
  require<FormatError>(target.has_filename(), path.string(), ": cannot write: the name of a folder, expected a file");
  detail::TemporaryFile file(
      target == path ? path.string() : concat_text(path.string(), " (a link to ", target.string(), ")"), target);
  file.create();
  for (const auto part : parts) file.write(part);
  file.commit();
}
UNROLL_FUNCTION void replace_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  replace_file(path, std::span(&bytes, 1));
}

}  // namespace unroll::inline UNROLL_ABI
