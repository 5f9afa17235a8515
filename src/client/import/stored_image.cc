// SPDX-License-Identifier: Apache-2.0
#include "client/import/stored_image.h"

#include <optional>
#include <utility>

#include "base/status.h"
#include "client/import/archive_path.h"
#include "client/import/limits.h"
#include "client/import/media_types.h"
#include "client/import/platform.h"

namespace vortex::client::importing {
namespace {

class StoredReader {
 public:
  StoredReader(Client& client, const std::string& image_name, const CallOptions& options)
      : client_(client), image_name_(image_name), options_(options) {}

  absl::StatusOr<StoredImage> Read() {
    VX_ASSIGN_OR_RETURN(const Image image, client_.images().Get(image_name_, options_));
    VX_ASSIGN_OR_RETURN(std::optional<StoredImage> found, Find({image.target, std::nullopt}, 0));
    if (found) return *std::move(found);
    return Error(absl::StatusCode::kFailedPrecondition, "image {}: nothing for {} in it",
                 image_name_, HostPlatform().ToString());
  }

 private:
  std::string Where(std::string_view what, const Descriptor& descriptor) const {
    return fmt::format("image {}: {} {}", image_name_, what, descriptor.digest);
  }

  absl::StatusOr<std::string> Blob(const Descriptor& descriptor, std::string_view what) {
    absl::StatusOr<std::string> bytes =
        client_.content().ReadBlob(descriptor.digest, kMaxJsonBytes, options_);
    if (!bytes.ok()) return Annotate(bytes.status(), Where(what, descriptor));
    return bytes;
  }

  // Nothing: not for this machine.
  absl::StatusOr<std::optional<StoredImage>> Find(const IndexEntry& entry, int depth) {
    const Descriptor& descriptor = entry.descriptor;
    if (IsManifest(descriptor.media_type)) return Manifest(descriptor);
    if (!IsIndex(descriptor.media_type)) {
      if (depth > 0) return std::nullopt;
      return InvalidArgument("{}: media type \"{}\" is neither a manifest's nor an index's",
                             Where("target", descriptor), Printable(descriptor.media_type));
    }
    if (depth >= kMaxIndexDepth) {
      return InvalidArgument("{}: indexes inside each other more than {} deep",
                             Where("index", descriptor), kMaxIndexDepth);
    }
    VX_ASSIGN_OR_RETURN(const std::string text, Blob(descriptor, "index"));
    VX_ASSIGN_OR_RETURN(const IndexDocument index, ParseIndex(text, Where("index", descriptor)));
    return Best(index, depth);
  }

  absl::StatusOr<std::optional<StoredImage>> Best(const IndexDocument& index, int depth) {
    std::optional<StoredImage> best;
    int best_rank = -1;
    absl::Status missing;
    for (const IndexEntry& child : index.manifests) {
      if (child.platform && !PlatformRank(HostPlatform(), *child.platform)) continue;
      absl::StatusOr<std::optional<StoredImage>> found = Find(child, depth + 1);
      // Which of an index's images are kept locally is up to whoever fetched it.
      if (absl::IsNotFound(found.status())) {
        missing.Update(found.status());
        continue;
      }
      VX_RETURN_IF_ERROR(found.status());
      if (!found->has_value()) continue;
      Platform platform = (*found)->config.platform;
      if (child.platform) platform.variant = child.platform->variant;
      const int rank = PlatformRank(HostPlatform(), platform).value_or(-1);
      if (rank > best_rank) {
        best_rank = rank;
        best = *std::move(found);
      }
    }
    if (!best && !missing.ok()) return missing;
    return best;
  }

  absl::StatusOr<std::optional<StoredImage>> Manifest(const Descriptor& descriptor) {
    StoredImage out;
    out.manifest_descriptor = descriptor;
    VX_ASSIGN_OR_RETURN(const std::string text, Blob(descriptor, "manifest"));
    VX_ASSIGN_OR_RETURN(out.manifest, ParseManifest(text, Where("manifest", descriptor)));
    if (!out.manifest.is_image) return std::nullopt;
    VX_ASSIGN_OR_RETURN(const std::string config, Blob(out.manifest.config, "config"));
    VX_ASSIGN_OR_RETURN(out.config, ParseConfig(config, Where("config", out.manifest.config)));
    Platform without_variant = out.config.platform;
    without_variant.variant.clear();
    if (!PlatformRank(HostPlatform(), without_variant)) return std::nullopt;
    if (out.manifest.layers.size() != out.config.diff_ids.size()) {
      return InvalidArgument("{}: {} layers but {} diff ids", Where("manifest", descriptor),
                             out.manifest.layers.size(), out.config.diff_ids.size());
    }
    return out;
  }

  Client& client_;
  const std::string& image_name_;
  const CallOptions& options_;
};

}  // namespace

absl::StatusOr<StoredImage> ReadStoredImage(Client& client, const std::string& image_name,
                                            const CallOptions& options) {
  return StoredReader(client, image_name, options).Read();
}

}  // namespace vortex::client::importing
