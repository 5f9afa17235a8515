// SPDX-License-Identifier: Apache-2.0
#include "proto/protoc.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace vortex::proto_test {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Runs `args` with stderr into `stderr_path`. Returns the wait status, or -1 and errno.
int Run(std::vector<std::string> args, const std::string& stderr_path) {
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, stderr_path.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    errno = error;
    return -1;
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return status;
}

}  // namespace

Descriptors RunProtoc(const std::vector<std::string>& import_dirs, const std::string& file) {
  const std::string stem = testing::TempDir() + "vortex-protoc-" + std::to_string(getpid());
  const std::string out = stem + ".pb";
  const std::string messages = stem + ".txt";
  std::vector<std::string> args = {VORTEX_PROTOC, "--include_imports",
                                   "--descriptor_set_out=" + out};
  for (const std::string& dir : import_dirs) args.push_back("-I" + dir);
  args.push_back(file);

  Descriptors result;
  const int status = Run(args, messages);
  if (status == -1) {
    result.error = std::string("run " VORTEX_PROTOC ": ") + std::strerror(errno);
  } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    result.error =
        "protoc " + file + ": wait status " + std::to_string(status) + ": " + ReadFile(messages);
  } else if (!result.files.ParseFromString(ReadFile(out))) {
    result.error = "protoc " + file + ": its output is not a FileDescriptorSet";
  }
  unlink(out.c_str());
  unlink(messages.c_str());
  return result;
}

}  // namespace vortex::proto_test
