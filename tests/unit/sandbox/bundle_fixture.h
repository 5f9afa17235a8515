// SPDX-License-Identifier: Apache-2.0
// A temporary directory with a bundle in it and a store beside it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/files.h"
#include "sandbox/bundle_tree.h"

namespace vortex::sandbox::testing {

inline constexpr char kManifestText[] = "id: a\nversion: 1.0.0\nentrypoint: main:run\n";

class BundleFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "vortex-bundle-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    ASSERT_EQ(::mkdir(source().c_str(), 0700), 0);
  }
  void TearDown() override { base::RemoveTree(dir_).IgnoreError(); }

  std::string dir() const { return dir_; }
  std::string source() const { return dir_ + "/source"; }
  std::string store() const { return dir_ + "/store"; }
  std::string In(const std::string& path) const { return source() + "/" + path; }

  void Write(const std::string& path, std::string_view text, mode_t mode = 0644) {
    std::filesystem::create_directories(std::filesystem::path(In(path)).parent_path());
    auto fd = base::OpenFile(In(path), O_WRONLY | O_CREAT | O_TRUNC, mode);
    ASSERT_TRUE(fd.ok()) << fd.status();
    ASSERT_TRUE(base::WriteAll(fd->get(), text, path).ok());
    ASSERT_EQ(::fchmod(fd->get(), mode), 0);
  }
  void Link(const std::string& path, const std::string& target) {
    std::filesystem::create_directories(std::filesystem::path(In(path)).parent_path());
    ASSERT_EQ(::symlink(target.c_str(), In(path).c_str()), 0);
  }
  // A manifest and the module that it names.
  void WritePlugin() {
    Write("vortex-plugin.yaml", kManifestText);
    Write("main.py", "def run(payload):\n    return payload\n");
  }

  static absl::StatusOr<CopiedTree> Hash(const std::string& path) {
    const auto fd = base::OpenFile(path, O_RDONLY | O_DIRECTORY);
    if (!fd.ok()) return fd.status();
    return CopyBundleTree(fd->get(), -1, "b");
  }
  absl::StatusOr<CopiedTree> Hash() const { return Hash(source()); }

  // Copies the source to `to`, which is made.
  absl::StatusOr<CopiedTree> CopyTo(const std::string& to) const {
    const auto from_fd = base::OpenFile(source(), O_RDONLY | O_DIRECTORY);
    if (!from_fd.ok()) return from_fd.status();
    ::mkdir(to.c_str(), 0755);
    const auto to_fd = base::OpenFile(to, O_RDONLY | O_DIRECTORY);
    if (!to_fd.ok()) return to_fd.status();
    return CopyBundleTree(from_fd->get(), to_fd->get(), "b");
  }

 private:
  std::string dir_;
};

}  // namespace vortex::sandbox::testing
