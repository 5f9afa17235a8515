// SPDX-License-Identifier: Apache-2.0
// Everything that reaches the shim from outside, as any bytes: frames, requests, options, bootstrap
// input, TOML, config.json, runtime logs, stream names. The first byte chooses the parser.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json_reader.h"
#include "containerd/task/v2/shim.pb.h"
#include "containerd/ttrpc/ttrpc.pb.h"
#include "shim/args.h"
#include "shim/bootstrap_input.h"
#include "shim/cgroup.h"
#include "shim/oci_config.h"
#include "shim/readback_checks.h"
#include "shim/rootfs_mounts.h"
#include "shim/runtime_cli.h"
#include "shim/runtime_options.h"
#include "shim/spec_controls.h"
#include "shim/stdio_target.h"
#include "shim/ttrpc_frame.h"

namespace {

using namespace vortex::shim;

void Frames(std::string_view bytes) {
  FrameDecoder decoder;
  // In pieces: where the cuts are must not matter.
  while (!bytes.empty()) {
    const std::size_t size = std::min<std::size_t>(bytes.size(), 7);
    decoder.Feed(bytes.substr(0, size));
    bytes.remove_prefix(size);
    Frame frame;
    while (decoder.Next(&frame)) {
      if (frame.payload.size() > kMaxPayload) std::abort();
      ttrpc::Request request;
      containerd::task::v2::CreateTaskRequest create;
      if (request.ParseFromString(frame.payload)) (void)create.ParseFromString(request.payload());
    }
  }
}

void Config(std::string_view bytes) {
  const auto config = ParseOciConfig(bytes);
  if (config) (void)GroupOf(*config, "id");
  const auto controls = ParseSpecControls(bytes);
  if (controls.has_value() != config.has_value()) std::abort();
  if (controls) (void)ForeignDeviceRules(bytes, *controls);
  (void)ParseIdMap(bytes);
  (void)UnescapeMountPath(bytes);
  const auto process = SetTerminal(bytes, true);
  if (!process) return;
  // What the runtime will read says what was asked for.
  bool terminal = false;
  vortex::base::JsonReader json(*process);
  json.Object([&](std::string_view key) {
    if (key == "terminal") {
      terminal = json.Bool() || terminal;
    } else {
      json.Skip();
    }
  });
  if (!json.Finish() || !terminal) std::abort();
}

void Options(std::string_view bytes) {
  RuntimeOptions options;
  (void)ParseToml(bytes, &options);
  // Nothing in the options may break the saved form.
  const std::string saved = options.ToJson();
  if (RuntimeOptions::FromJson(saved).root != options.root) std::abort();
  RuntimeOptions decoded;
  (void)DecodeOptions("containerd.runc.v1.Options", bytes, &decoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 8) {
    case 0:
      Frames(bytes);
      break;
    case 1:
      Config(bytes);
      break;
    case 2:
      Options(bytes);
      break;
    case 3:
      (void)ParseBootstrapInput(bytes, "c1", "ns");
      break;
    case 4:
      (void)LastLoggedError(bytes);
      break;
    case 5:
      (void)ParseStdioUri(bytes);
      break;
    case 6:
      (void)ParseMountOptions({std::string(bytes), "ro"});
      break;
    default:
      (void)CgroupDirs(bytes, "30 20 0:26 / /c rw - cgroup cgroup rw,memory\n", false);
  }
  return 0;
}
