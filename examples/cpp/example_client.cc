// SPDX-License-Identifier: Apache-2.0
// A small program over the containerd client: lists what is there, or runs one command in an image.
#include <getopt.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/status.h"
#include "client/client.h"
#include "client/import.h"

namespace {

using nlohmann::json;
using namespace vortex;  // NOLINT: an example

constexpr char kUsage[] =
    "usage: example_client [-a SOCKET] [-n NAMESPACE]                       list what is there\n"
    "       example_client [-a SOCKET] [-n NAMESPACE] import ARCHIVE NAME   import an image\n"
    "       example_client [-a SOCKET] [-n NAMESPACE] run IMAGE CMD [ARG]…  run a command\n";

absl::Status List(client::Client& containerd) {
  VX_ASSIGN_OR_RETURN(const auto version, containerd.version().Get());
  std::cout << "containerd " << version.version << "\n";
  VX_ASSIGN_OR_RETURN(const auto images, containerd.images().List());
  for (const auto& image : images)
    std::cout << "image      " << image.name << "  " << image.target.digest << "\n";
  VX_ASSIGN_OR_RETURN(const auto containers, containerd.containers().List({}));
  for (const auto& container : containers)
    std::cout << "container  " << container.id << "  " << container.image << "\n";
  VX_ASSIGN_OR_RETURN(const auto tasks, containerd.tasks().List());
  for (const auto& task : tasks)
    std::cout << "task       " << task.container_id << "  pid " << task.pid << "\n";
  return absl::OkStatus();
}

absl::Status Import(client::Client& containerd, const std::string& path, const std::string& name) {
  VX_ASSIGN_OR_RETURN(const auto images, client::ImportImage(containerd, path, {.name = name}));
  for (const auto& image : images) std::cout << image.name << "  " << image.target.digest << "\n";
  return absl::OkStatus();
}

// The least that runc runs: no capabilities, own namespaces, nothing of the host visible.
std::string Spec(const client::ImageConfig& image, const std::vector<std::string>& command,
                 const std::string& cgroup) {
  json namespaces = json::array();
  for (const char* type : {"pid", "mount", "ipc", "uts", "network"})
    namespaces.push_back({{"type", type}});
  const json spec = {{"ociVersion", "1.0.2"},
                     {"process",
                      {{"user", {{"uid", 65534}, {"gid", 65534}}},
                       {"args", command},
                       {"env", image.env},
                       {"cwd", image.working_dir.empty() ? "/" : image.working_dir},
                       {"noNewPrivileges", true}}},
                     {"root", {{"path", "rootfs"}, {"readonly", true}}},
                     {"mounts",
                      {{{"destination", "/proc"}, {"type", "proc"}, {"source", "proc"}},
                       {{"destination", "/dev"},
                        {"type", "tmpfs"},
                        {"source", "tmpfs"},
                        {"options", {"nosuid"}}}}},
                     {"linux", {{"namespaces", namespaces}, {"cgroupsPath", cgroup}}}};
  return spec.dump();
}

// Create, wait, start, delete: in this order no exit is missed.
absl::StatusOr<client::Exit> RunTask(client::Client& containerd, const std::string& id,
                                     const std::vector<client::Mount>& rootfs,
                                     const std::string& output) {
  VX_RETURN_IF_ERROR(containerd.tasks()
                         .Create({.container_id = id,
                                  .rootfs = rootfs,
                                  .stdout_path = "file://" + output,
                                  .stderr_path = "file://" + output})
                         .status());
  const auto exit = containerd.tasks().StartWait(id, "", {.timeout = std::chrono::hours(1)});
  const auto started = containerd.tasks().Start(id);
  absl::StatusOr<client::Exit> result = started.ok() ? exit->Take() : started.status();
  // A task can only be deleted once it has stopped, and a kill of one that has is no harm.
  if (!result.ok()) (void)containerd.tasks().Kill(id, "", 9, true);
  const auto deleted = containerd.tasks().Delete(id);
  return result.ok() && !deleted.ok() ? deleted : result;
}

absl::StatusOr<int> Run(client::Client& containerd, const std::string& image,
                        const std::vector<std::string>& command) {
  const std::string id = "example-" + base::RandomHex(6);
  const std::string output = (std::filesystem::temp_directory_path() / (id + ".out")).string();
  VX_ASSIGN_OR_RETURN(const auto config, client::ReadImageConfig(containerd, image));
  VX_ASSIGN_OR_RETURN(const auto top_layer, client::UnpackImage(containerd, image, {}));
  VX_ASSIGN_OR_RETURN(const auto rootfs, containerd.snapshots().View("overlayfs", id, top_layer));
  // Where containerd's own tools put it.
  const std::string cgroup = "/" + containerd.options().containerd_namespace + "/" + id;
  const auto created = containerd.containers().Create(
      {.id = id,
       .image = image,
       .runtime_name = "io.containerd.runc.v2",
       .spec = {.type_url = client::kOciSpecTypeUrl, .value = Spec(config, command, cgroup)},
       .snapshotter = "overlayfs",
       .snapshot_key = id});
  const absl::StatusOr<client::Exit> exit =
      created.ok() ? RunTask(containerd, id, rootfs, output) : created.status();
  if (created.ok()) (void)containerd.containers().Delete(id);
  (void)containerd.snapshots().Remove("overlayfs", id);
  if (std::ifstream in(output); in.peek() != std::ifstream::traits_type::eof())
    std::cout << in.rdbuf() << std::flush;
  std::filesystem::remove(output);
  VX_RETURN_IF_ERROR(exit.status());
  return static_cast<int>(exit->status);
}

absl::StatusOr<int> Main(int argc, char** argv) {
  client::ConnectOptions options;
  for (int flag; (flag = ::getopt(argc, argv, "+a:n:")) != -1;) {
    if (flag == 'a')
      options.address = ::optarg;
    else if (flag == 'n')
      options.containerd_namespace = ::optarg;
    else
      return InvalidArgument("{}", kUsage);
  }
  const std::vector<std::string> words(argv + ::optind, argv + argc);
  VX_ASSIGN_OR_RETURN(const auto containerd, client::Client::Connect(options));
  if (words.empty()) {
    VX_RETURN_IF_ERROR(List(*containerd));
    return 0;
  }
  if (words[0] == "import" && words.size() == 3) {
    VX_RETURN_IF_ERROR(Import(*containerd, words[1], words[2]));
    return 0;
  }
  if (words[0] == "run" && words.size() >= 3)
    return Run(*containerd, words[1], {words.begin() + 2, words.end()});
  return InvalidArgument("{}", kUsage);
}

}  // namespace

int main(int argc, char** argv) {
  const absl::StatusOr<int> code = Main(argc, argv);
  if (code.ok()) return *code;
  std::cerr << "example_client: " << vortex::Message(code.status()) << "\n";
  return 125;
}
