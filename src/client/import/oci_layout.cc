// SPDX-License-Identifier: Apache-2.0
#include "client/import/oci_layout.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/status.h"
#include "client/import/archive_path.h"
#include "client/import/image_name.h"
#include "client/import/limits.h"
#include "client/import/media_types.h"
#include "client/import/platform.h"

namespace vortex::client::importing {
namespace {

// The manifest of an entry that runs here, and the indexes on the way to it, outermost first.
struct Candidate {
  int rank = 0;
  std::vector<std::pair<Descriptor, std::string>> indexes;
  ManifestParts parts;
};

absl::StatusOr<std::string> ReadRequired(const Archive& archive, const std::string& path) {
  const absl::StatusOr<ArchiveFile> file = archive.Open(path);
  if (absl::IsNotFound(file.status())) {
    return InvalidArgument("{}: no \"{}\" in it", archive.name(), path);
  }
  VX_RETURN_IF_ERROR(file.status());
  return file->ReadAll(kMaxJsonBytes);
}

class Resolver {
 public:
  Resolver(const Archive& archive, const base::Cancellation* cancel)
      : archive_(archive), cancel_(cancel) {}

  // Nothing when the entry has no image for this machine.
  absl::StatusOr<std::optional<Candidate>> Resolve(const IndexEntry& entry, int depth) {
    if (cancel_ != nullptr && cancel_->cancelled())
      return absl::CancelledError("read " + archive_.name());
    if (++visits_ > kMaxIndexVisits) {
      return InvalidArgument("{}: more than {} entries in its indexes", archive_.name(),
                             kMaxIndexVisits);
    }
    const Descriptor& descriptor = entry.descriptor;
    if (entry.platform && !PlatformRank(HostPlatform(), *entry.platform)) {
      seen_.insert(entry.platform->ToString());
      return std::nullopt;
    }
    if (IsIndex(descriptor.media_type)) return ResolveIndex(descriptor, depth);
    if (IsManifest(descriptor.media_type)) return ResolveManifest(entry);
    // image-index.md: an unknown media type is to be passed over, not an error.
    seen_.insert(Printable(descriptor.media_type));
    return std::nullopt;
  }

  absl::Status NothingFits() const {
    std::string seen;
    for (const std::string& what : seen_) {
      if (seen.size() > 300) break;
      seen += (seen.empty() ? "" : ", ") + what;
    }
    return InvalidArgument("{}: no image for {} in it ({})", archive_.name(),
                           HostPlatform().ToString(),
                           seen.empty() ? "index.json lists nothing" : "it has " + seen);
  }

 private:
  absl::StatusOr<std::string> Read(const Descriptor& descriptor, std::string_view what) {
    json_bytes_ += static_cast<std::size_t>(descriptor.size);
    if (json_bytes_ > kMaxJsonTotalBytes) {
      return InvalidArgument("{}: more than {} bytes of indexes and manifests", archive_.name(),
                             kMaxJsonTotalBytes);
    }
    return ReadBlob(archive_, descriptor, what);
  }

  absl::StatusOr<std::optional<Candidate>> ResolveIndex(const Descriptor& descriptor, int depth) {
    if (depth >= kMaxIndexDepth) {
      return InvalidArgument("{}: indexes inside each other more than {} deep at {}",
                             archive_.name(), kMaxIndexDepth, descriptor.digest);
    }
    VX_ASSIGN_OR_RETURN(std::string bytes, Read(descriptor, "index"));
    VX_ASSIGN_OR_RETURN(
        const IndexDocument index,
        ParseIndex(bytes, fmt::format("{}: index {}", archive_.name(), descriptor.digest)));
    std::optional<Candidate> best;
    for (const IndexEntry& child : index.manifests) {
      VX_ASSIGN_OR_RETURN(std::optional<Candidate> found, Resolve(child, depth + 1));
      if (found && (!best || found->rank > best->rank)) best = std::move(found);
    }
    if (best) best->indexes.emplace(best->indexes.begin(), descriptor, std::move(bytes));
    return best;
  }

  absl::StatusOr<std::optional<Candidate>> ResolveManifest(const IndexEntry& entry) {
    Candidate out;
    ManifestParts& parts = out.parts;
    parts.manifest = entry.descriptor;
    VX_ASSIGN_OR_RETURN(parts.manifest_bytes, Read(entry.descriptor, "manifest"));
    VX_ASSIGN_OR_RETURN(
        parts.document,
        ParseManifest(parts.manifest_bytes,
                      fmt::format("{}: manifest {}", archive_.name(), entry.descriptor.digest)));
    if (!parts.document.is_image) {
      seen_.insert(fmt::format("artifact {}", Printable(parts.document.config.media_type)));
      return std::nullopt;
    }
    VX_ASSIGN_OR_RETURN(parts.config_bytes, Read(parts.document.config, "config"));
    VX_ASSIGN_OR_RETURN(
        parts.config, ParseConfig(parts.config_bytes, fmt::format("{}: config {}", archive_.name(),
                                                                  parts.document.config.digest)));
    // The descriptor's word on the variant goes before the config's, which build tools often leave
    // out.
    Platform platform = parts.config.platform;
    if (entry.platform) platform.variant = entry.platform->variant;
    const std::optional<int> rank = PlatformRank(HostPlatform(), platform);
    if (!rank) {
      seen_.insert(platform.ToString());
      return std::nullopt;
    }
    out.rank = *rank;
    for (const Descriptor& layer : parts.document.layers)
      parts.layer_paths.push_back(BlobPath(layer.digest));
    return out;
  }

  const Archive& archive_;
  const base::Cancellation* cancel_;
  std::size_t visits_ = 0;
  std::size_t json_bytes_ = 0;
  std::set<std::string> seen_;  // what was passed over, for the error message
};

// Empty: the entry has no full name.
std::string NameOf(const Descriptor& descriptor) {
  const auto get = [&](const char* key) {
    const auto it = descriptor.annotations.find(key);
    return it == descriptor.annotations.end() ? std::string() : it->second;
  };
  std::string name = get("io.containerd.image.name");
  if (!name.empty()) return name;
  name = get("org.opencontainers.image.ref.name");
  return IsFullImageName(name) ? name : "";
}

absl::StatusOr<PlannedImage> Plan(const Archive& archive, std::string name,
                                  const Descriptor& target, Candidate candidate) {
  VX_RETURN_IF_ERROR(CheckImageName(name));
  PlannedImage image;
  image.name = std::move(name);
  image.target = {target.media_type, target.digest, target.size, {}};
  // The child of the innermost index is the manifest, that of any other the next index.
  std::string child = candidate.parts.manifest.digest;
  VX_RETURN_IF_ERROR(AppendManifest(archive, std::move(candidate.parts), image));
  for (auto index = candidate.indexes.rbegin(); index != candidate.indexes.rend(); ++index) {
    PlannedBlob blob{index->first, {}, "", std::move(index->second)};
    // Only the child that is imported: the collector has nothing to keep of the others. Other tools
    // number these labels; a number of ours could take the place of theirs for another platform's
    // child.
    blob.labels["containerd.io/gc.ref.content.m." + child.substr(7, 12)] = child;
    child = blob.descriptor.digest;
    image.blobs.push_back(std::move(blob));
  }
  return image;
}

}  // namespace

absl::StatusOr<std::vector<PlannedImage>> PlanOciLayout(const Archive& archive,
                                                        const std::string& name,
                                                        const base::Cancellation* cancel) {
  VX_ASSIGN_OR_RETURN(const std::string layout, ReadRequired(archive, "oci-layout"));
  VX_RETURN_IF_ERROR(CheckOciLayout(layout, fmt::format("{}: oci-layout", archive.name())));
  VX_ASSIGN_OR_RETURN(const std::string text, ReadRequired(archive, "index.json"));
  VX_ASSIGN_OR_RETURN(const IndexDocument index,
                      ParseIndex(text, fmt::format("{}: index.json", archive.name())));

  // The best entry of each name; several of one name are variants for different platforms.
  struct Choice {
    Descriptor target;
    Candidate candidate;
    bool tie = false;
  };
  std::map<std::string, Choice> chosen;
  Resolver resolver(archive, cancel);
  for (const IndexEntry& entry : index.manifests) {
    VX_ASSIGN_OR_RETURN(std::optional<Candidate> found, resolver.Resolve(entry, 0));
    if (!found) continue;
    const std::string own_name = name.empty() ? NameOf(entry.descriptor) : name;
    const auto at = chosen.find(own_name);
    if (at == chosen.end()) {
      chosen.emplace(own_name, Choice{entry.descriptor, *std::move(found)});
    } else if (at->second.target.digest != entry.descriptor.digest) {
      if (found->rank > at->second.candidate.rank) {
        at->second = Choice{entry.descriptor, *std::move(found)};
      } else if (found->rank == at->second.candidate.rank) {
        at->second.tie = true;
      }
    }
    if (chosen.size() > kMaxImages) {
      return InvalidArgument("{}: index.json: more than {} images", archive.name(), kMaxImages);
    }
  }
  if (chosen.empty()) return resolver.NothingFits();

  std::vector<PlannedImage> out;
  for (auto& [image_name, choice] : chosen) {
    if (choice.tie) {
      return InvalidArgument(
          "{}: index.json: several images {}; which one is meant is not said", archive.name(),
          name.empty() ? image_name.empty() ? std::string("without a name")
                                            : fmt::format("of the name {}", image_name)
                       : fmt::format("for the one name {}", name));
    }
    if (image_name.empty()) {
      return InvalidArgument(
          "{}: index.json: image {} has no full name (annotation io.containerd.image.name, or "
          "org.opencontainers.image.ref.name with a registry host); pass a name",
          archive.name(), choice.target.digest);
    }
    VX_ASSIGN_OR_RETURN(PlannedImage image,
                        Plan(archive, image_name, choice.target, std::move(choice.candidate)));
    out.push_back(std::move(image));
  }
  return out;
}

}  // namespace vortex::client::importing
