// SPDX-License-Identifier: Apache-2.0
// An image archive as an attacker would make it: any bytes as a file, read up to the plan of blobs.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/sha256.h"
#include "base/unique_fd.h"
#include "client/import/archive.h"
#include "client/import/json_model.h"
#include "client/import/plan.h"

namespace {

using namespace vortex::client::importing;

void ReadFileAsArchive(std::string_view bytes) {
  vortex::base::UniqueFd fd(::memfd_create("archive", MFD_CLOEXEC));
  if (!fd ||
      ::pwrite(fd.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return;
  const auto archive = Archive::FromFd(std::move(fd), "fuzz", nullptr);
  if (!archive.ok()) return;
  const auto plan = PlanImport(**archive, "example.com/fuzz:1", nullptr);
  if (!plan.ok()) return;
  for (const PlannedImage& image : *plan) {
    // What the importer relies on.
    if (image.name.empty() || image.layers.size() != image.diff_ids.size()) std::abort();
    for (const PlannedBlob& blob : image.blobs) {
      if (!vortex::base::IsSha256Digest(blob.descriptor.digest)) std::abort();
      if (blob.path.empty() && vortex::base::Sha256::Digest(blob.bytes) != blob.descriptor.digest)
        std::abort();
      if (!blob.path.empty() && !(*archive)->Open(blob.path).ok()) std::abort();
    }
  }
}

}  // namespace

// The first byte chooses the parser: digests keep the fuzzer from reaching the inner documents
// through an archive, so each can be given alone.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      ReadFileAsArchive(bytes);
      break;
    case 1:
      (void)ParseIndex(bytes, "index");
      break;
    case 2:
      (void)ParseManifest(bytes, "manifest");
      break;
    case 3:
      (void)ParseConfig(bytes, "config");
      break;
    case 4:
      (void)ParseDockerSave(bytes, "manifest.json");
      break;
    default:
      (void)CheckOciLayout(bytes, "oci-layout");
  }
  return 0;
}
