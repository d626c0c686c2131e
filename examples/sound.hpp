// What the programs that listen share: WAV files.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <sndfile.h>
#include <vector>

#include <unroll/core/error.hpp>

namespace sound {

struct Sound {
  std::vector<float> samples;
  int rate = 48000;
};

inline Sound read_wav(const std::filesystem::path& path) {
  using unroll::FormatError, unroll::require;
  SF_INFO info{};
  const std::unique_ptr<SNDFILE, decltype(&sf_close)> file(sf_open(path.c_str(), SFM_READ, &info), &sf_close);
  require<FormatError>(file != nullptr, path.string(), ": cannot read: ", sf_strerror(nullptr));
  require<FormatError>(info.channels == 1, path.string(), ": ", info.channels, " channels, expected 1");
  Sound sound{std::vector<float>(static_cast<std::size_t>(info.frames)), info.samplerate};
  const auto read = sf_readf_float(file.get(), sound.samples.data(), info.frames);
  require<FormatError>(read == info.frames, path.string(), ": read ", read, " of ", info.frames, " samples");
  return sound;
}

}  // namespace sound
