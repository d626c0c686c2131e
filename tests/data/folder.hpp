// A folder for one test, gone afterwards.
#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("unroll_test_" + std::to_string(std::random_device{}()));
  Folder() { std::filesystem::create_directories(path); }
  Folder(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }

  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << bytes;
    return path / name;
  }
};
