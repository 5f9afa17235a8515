// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/install_paths.h"
#include "cli/node.h"
#include "cli/signals.h"
#include "client/import.h"

namespace vortex::cli {
namespace {

absl::Status Import(const Args& args, const std::string& path, const std::string& name,
                    base::Cancellation& cancel) {
  VX_ASSIGN_OR_RETURN(const auto client, Connect(args));
  const absl::Status created =
      client->namespaces().Create({args.options.containerd_namespace, {}}).status();
  if (!created.ok() && !absl::IsAlreadyExists(created)) return created;
  client::ImportOptions options;
  options.name = name;
  options.snapshotter = args.options.snapshotter;
  options.cancel = &cancel;
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  options.on_progress = [&](const client::ImportProgress& progress) {
    if (terminal) {
      std::fprintf(stderr, "\r\033[K%s %lld/%lld", progress.what.c_str(),
                   static_cast<long long>(progress.done), static_cast<long long>(progress.total));
    }
  };
  const auto images = client::ImportImage(*client, path, options);
  if (terminal) std::fputs("\r\033[K", stderr);
  VX_RETURN_IF_ERROR(images.status());
  for (const client::ImportedImage& image : *images) {
    std::printf("%s %s\n", image.name.c_str(), image.target.digest.c_str());
  }
  return absl::OkStatus();
}

// Runs the builder, which prints its own progress and errors on stderr.
absl::Status RunBuilder(const std::vector<std::string>& argv) {
  std::vector<char*> raw;
  for (const std::string& arg : argv) raw.push_back(const_cast<char*>(arg.c_str()));
  raw.push_back(nullptr);
  // The signals that cancel are blocked here; the builder shall be ended by them as usual.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, raw[0], nullptr, &attributes, raw.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return ErrnoStatus(error, fmt::format("run {}", argv[0]));
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return Error(absl::StatusCode::kInternal, "image build: {} ended with status {}", argv[0],
               WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

}  // namespace

int ListImages(const Args& args) {
  const auto client = Connect(args);
  if (!client.ok()) return Fail(client.status());
  const auto images = (*client)->images().List();
  if (!images.ok()) return Fail(images.status());
  auto json = nlohmann::ordered_json::array();
  for (const client::Image& image : *images) {
    if (args.json) {
      json.push_back({{"name", image.name},
                      {"digest", image.target.digest},
                      {"media_type", image.target.media_type}});
    } else {
      std::printf("%s %s\n", image.name.c_str(), image.target.digest.c_str());
    }
  }
  if (args.json) std::printf("%s\n", json.dump().c_str());
  return 0;
}

int ImportArchive(const Args& args) {
  base::Cancellation& cancel = CancelOnSignals();
  const absl::Status status = Import(args, args.archive, args.image_name, cancel);
  return status.ok() ? 0 : Fail(status);
}

int BuildImage(const Args& args) {
  base::Cancellation& cancel = CancelOnSignals();
  const std::string layout =
      args.layout_dir.empty() ? args.options.data_dir + "/images/python" : args.layout_dir;
  const auto paths = FindInstallPaths();
  if (!paths.ok()) return Fail(paths.status());
  absl::Status status = base::MakeDirs(layout, 0755);
  if (status.ok()) {
    std::vector<std::string> argv = {paths->image_builder, "--init", paths->init,
                                     "--output",           layout,   "--name",
                                     args.options.image};
    // All that an installed node keeps is below its data directory, so that purging finds it.
    if (args.layout_dir.empty()) {
      argv.insert(argv.end(), {"--cache", args.options.data_dir + "/images/debs"});
    }
    status = RunBuilder(argv);
  }
  if (status.ok()) status = Import(args, layout, args.options.image, cancel);
  return status.ok() ? 0 : Fail(status);
}

}  // namespace vortex::cli
