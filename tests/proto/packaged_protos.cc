// SPDX-License-Identifier: Apache-2.0
#include "proto/packaged_protos.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <vector>

#include "proto/protoc.h"

namespace vortex::proto_test {
namespace {

namespace fs = std::filesystem;

constexpr char kSystemGocode[] = "/usr/share/gocode/src";

std::string Gocode() {
  const char* other = std::getenv("VORTEX_GOCODE");
  return other != nullptr && *other != '\0' ? other : kSystemGocode;
}

// Everything the packaged files import. Another release's package may come without its
// dependencies; gogo's and Google's files are the same on both.
std::vector<std::string> ImportDirs() {
  std::vector<std::string> dirs;
  for (const std::string& root : {Gocode(), std::string(kSystemGocode)}) {
    if (std::find(dirs.begin(), dirs.end(), root) != dirs.end()) continue;
    dirs.push_back(root);
    dirs.push_back(root + "/github.com/gogo/protobuf");
    dirs.push_back(root + "/github.com/gogo/googleapis");
  }
  dirs.push_back(VORTEX_PROTOBUF_INCLUDE);
  std::erase_if(dirs, [](const std::string& dir) { return !fs::is_directory(dir); });
  return dirs;
}

bool HasImport(const std::string& path) {
  const auto dirs = ImportDirs();
  return std::any_of(dirs.begin(), dirs.end(),
                     [&](const std::string& dir) { return fs::exists(dir + "/" + path); });
}

// The .proto files below `dirs` (relative to `root`; those that exist), sorted.
std::vector<std::string> ProtosBelow(const std::string& root,
                                     const std::vector<std::string>& dirs) {
  std::vector<std::string> files;
  for (const std::string& dir : dirs) {
    if (!fs::is_directory(root + "/" + dir)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root + "/" + dir)) {
      if (entry.path().extension() == ".proto") {
        files.push_back(fs::relative(entry.path(), root).string());
      }
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Major and minor of `Version = "1.6.20+unknown"` in version/version.go.
Version ContainerdVersion(const std::string& package) {
  std::ifstream in(package + "/version/version.go");
  Version version;
  for (std::string line; std::getline(in, line);) {
    if (std::sscanf(line.c_str(), " Version = \"%d.%d", &version.major, &version.minor) == 2) break;
  }
  return version;
}

void Load(const std::vector<std::string>& import_dirs, const std::vector<std::string>& files,
          Packaged* packaged) {
  for (const std::string& file : files) {
    const Descriptors descriptors = RunProtoc(import_dirs, file);
    packaged->error = descriptors.error;
    if (packaged->error.empty()) packaged->error = AddToTable(descriptors.files, &packaged->table);
    if (!packaged->error.empty()) return;
  }
}

Packaged LoadContainerd() {
  Packaged packaged;
  const std::string name = "github.com/containerd/containerd";
  const std::string package = Gocode() + "/" + name;
  packaged.version = ContainerdVersion(package);
  if (packaged.version == Version{}) {
    packaged.missing = "no " + package +
                       "/version/version.go with a version; install "
                       "golang-github-containerd-containerd-dev";
  } else if (!HasImport("google/rpc/status.proto")) {
    packaged.missing = "no google/rpc/status.proto; install golang-github-gogo-googleapis-dev";
  } else if (packaged.version < Version{1, 7} && !HasImport("gogoproto/gogo.proto")) {
    packaged.missing = "no gogoproto/gogo.proto; install golang-github-gogo-protobuf-dev";
  } else {
    // runtime/v2 has the shim's service in 1.6 and the runc options in both.
    Load(ImportDirs(),
         ProtosBelow(Gocode(), {name + "/api", name + "/runtime/v2", name + "/pkg/runtimeoptions"}),
         &packaged);
  }
  return packaged;
}

Packaged LoadCgroups() {
  Packaged packaged;
  const std::string name = "github.com/containerd/cgroups";
  const auto files =
      ProtosBelow(Gocode(), {name + "/stats", name + "/v2", name + "/cgroup1", name + "/cgroup2"});
  if (files.empty()) {
    packaged.missing = "no .proto below " + Gocode() + "/" + name +
                       "; install golang-github-containerd-cgroups-dev";
    return packaged;
  }
  const bool v3 = fs::is_directory(Gocode() + "/" + name + "/cgroup2");
  packaged.version = v3 ? Version{3, 0} : Version{1, 0};
  if (!v3 && !HasImport("gogoproto/gogo.proto")) {
    packaged.missing = "no gogoproto/gogo.proto; install golang-github-gogo-protobuf-dev";
    return packaged;
  }
  Load(ImportDirs(), files, &packaged);
  return packaged;
}

Packaged LoadTtrpc() {
  Packaged packaged;
  const std::string package = Gocode() + "/github.com/containerd/ttrpc";
  if (!fs::exists(package + "/request.proto")) {
    packaged.missing = "no " + package +
                       "/request.proto; golang-github-containerd-ttrpc-dev has it from 1.2 on "
                       "(Debian 13)";
    return packaged;
  }
  auto dirs = ImportDirs();
  dirs.insert(dirs.begin(), package);  // it imports "proto/status.proto"
  Load(dirs, {"request.proto"}, &packaged);
  return packaged;
}

Ours ReadOurs() {
  Ours ours;
  const std::string root = VORTEX_PROTO_ROOT;
  std::set<std::string> seen;
  for (const std::string& file : ProtosBelow(root, {"."})) {
    const Descriptors descriptors = RunProtoc({root, VORTEX_PROTOBUF_INCLUDE}, file);
    ours.error = descriptors.error;
    if (ours.error.empty()) ours.error = AddToTable(descriptors.files, &ours.table);
    if (!ours.error.empty()) return ours;
    for (const auto& one : descriptors.files.file()) {
      const bool well_known = one.package() == "google.protobuf";
      if (!well_known && seen.insert(one.name()).second) ours.files.push_back(one);
    }
  }
  return ours;
}

}  // namespace

Packaged LoadPackaged(Component component) {
  switch (component) {
    case Component::kContainerd:
      return LoadContainerd();
    case Component::kCgroups:
      return LoadCgroups();
    case Component::kTtrpc:
      return LoadTtrpc();
    case Component::kOurs:
      break;
  }
  Packaged nothing;
  nothing.missing = "nobody packages our own messages";
  return nothing;
}

const Ours& LoadOurs() {
  static const Ours* const kOurs = new Ours(ReadOurs());
  return *kOurs;
}

}  // namespace vortex::proto_test
