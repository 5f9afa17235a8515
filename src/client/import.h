// SPDX-License-Identifier: Apache-2.0
// Brings an image from disk into containerd: an OCI image layout (directory or tar; layers plain,
// gzip or zstd) or a `docker save` tar.
//   Source  image-spec image-layout.md, manifest.md, config.md; containerd
//   docs/garbage-collection.md
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/client.h"

namespace vortex::client {

struct ImportProgress {
  std::string what{};  // "layer sha256:… 12 MiB"
  std::int64_t done = 0;
  std::int64_t total = 0;
};

struct ImportOptions {
  // Image name for an archive with a single unnamed image; empty: the archive's own names
  // ("io.containerd.image.name", "org.opencontainers.image.ref.name", docker RepoTags).
  std::string name{};
  std::string snapshotter = "overlayfs";
  // Unpack the layers into snapshots after the import.
  bool unpack = true;
  base::Cancellation* cancel = nullptr;
  std::function<void(const ImportProgress&)> on_progress{};
};

struct ImportedImage {
  std::string name{};
  Descriptor target{};
  std::string chain_id{};  // snapshot to build on, when unpacked
};

// Imports every image of `path` whose platform is this machine's. Every blob is verified against
// its digest before containerd commits it, and the image record is written last: an image that
// others can see is whole, and unpacked if that was asked for. A lease of an hour holds what is
// written until then, so the garbage collector takes nothing.
//   Cut short  after Cancelled, DeadlineExceeded and Unavailable the work is kept for an hour (in a
//              lease "vortex-import-resume-…"), and the same call goes on where it stopped. After
//              any other error nothing is left in containerd.
//   Errors     InvalidArgument: not an image archive, with what is wrong; FailedPrecondition: a
//              digest does not match; ResourceExhausted: disk full, with the path.
//   Threads    blocks; callbacks run in the calling thread. Safe to call from many clients at once.
absl::StatusOr<std::vector<ImportedImage>> ImportImage(Client& client, const std::string& path,
                                                       const ImportOptions& options);

// Makes sure that the layers of an image are unpacked, and returns the chain id of the top one
// (image-spec config.md, "Layer ChainID"). Safe to call from many clients at once.
absl::StatusOr<std::string> UnpackImage(Client& client, const std::string& image_name,
                                        const ImportOptions& options);

// The parts of an image's configuration a runner needs.
struct ImageConfig {
  std::string manifest_digest{};
  std::string config_digest{};
  std::vector<std::string> env{};
  std::vector<std::string> entrypoint{};
  std::vector<std::string> cmd{};
  std::string working_dir{};
  std::string user{};
  Labels labels{};
  std::vector<std::string> diff_ids{};
};
absl::StatusOr<ImageConfig> ReadImageConfig(Client& client, const std::string& image_name,
                                            const CallOptions& options = {});

// image-spec config.md: ChainID(L0) = DiffID(L0); ChainID(L0|…|Ln) = digest(ChainID(L0|…|Ln-1) + "
// " + DiffID(Ln)).
std::string ChainId(const std::vector<std::string>& diff_ids);

}  // namespace vortex::client
