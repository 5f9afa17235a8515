// SPDX-License-Identifier: Apache-2.0
// Imports that are cut short and go on later.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/cancellation.h"
#include "integration/import/import_fixture.h"

namespace vortex::test {
namespace {

using client::ImportImage;
using client::ImportOptions;
using client::ImportProgress;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr std::size_t kMiB = 1u << 20;

Layout BigLayer() {
  Layout layout;
  layout.List(layout.AddImage({{MakeTar(Files{{"a", RandomBytes(48 * kMiB, 3)}}), ""}}),
              "example.com/big:1");
  return layout;
}

TEST_F(ImportTest, GoesOnWhereACancelledImportStopped) {
  Start();
  const std::string path = Directory(BigLayer().Build());
  base::Cancellation cancel;
  ImportOptions options;
  options.cancel = &cancel;
  options.on_progress = [&cancel](const ImportProgress& progress) {
    if (progress.total > 1000 && progress.done >= static_cast<std::int64_t>(20 * kMiB))
      cancel.Cancel();
  };
  EXPECT_TRUE(absl::IsCancelled(ImportImage(*client_, path, options).status()));

  Collect(*client_);
  const auto ingests = client_->content().ListStatuses();
  ASSERT_TRUE(ingests.ok()) << ingests.status();
  ASSERT_THAT(*ingests, SizeIs(1)) << "the collector took what was written";
  const std::int64_t written = ingests->front().offset;
  EXPECT_GE(written, static_cast<std::int64_t>(15 * kMiB));
  EXPECT_THAT(Take(*client_).leases, ElementsAre(StartsWith("vortex-import-resume-")));
  EXPECT_THAT(Take(*client_).images, IsEmpty());

  std::int64_t lowest = written + 1;
  ImportOptions second;
  second.on_progress = [&lowest](const ImportProgress& progress) {
    if (progress.what.rfind("layer", 0) == 0) lowest = std::min(lowest, progress.done);
  };
  const auto imported = ImportImage(*client_, path, second);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_GE(lowest, written) << "bytes were sent again";
  EXPECT_THAT(Take(*client_).leases, IsEmpty());
  EXPECT_THAT(Take(*client_).ingests, IsEmpty());
  Collect(*client_);
  EXPECT_THAT(Take(*client_).content, SizeIs(3));
}

TEST_F(ImportTest, StartsOverWhenTheEarlierBytesWereWrong) {
  Start();
  const Layout layout = BigLayer();
  const std::string manifest_name =
      "blobs/sha256/" + layout.index["manifests"][0]["digest"].get<std::string>().substr(7);
  const Json layer = Json::parse(layout.files.at(manifest_name))["layers"][0];
  client::WriteContentRequest request;
  request.digest = layer["digest"].get<std::string>();
  request.ref = "vortex-import-" + request.digest;
  request.size = layer["size"].get<std::int64_t>();
  const auto garbage = [](std::int64_t offset, char* buffer,
                          std::size_t size) -> absl::StatusOr<std::size_t> {
    if (offset > static_cast<std::int64_t>(2 * kMiB)) return absl::CancelledError("enough");
    std::fill(buffer, buffer + size, 'x');
    return size;
  };
  EXPECT_TRUE(absl::IsCancelled(client_->content().Write(request, garbage)));
  ASSERT_THAT(Take(*client_).ingests, SizeIs(1));

  const auto imported = ImportImage(*client_, Directory(layout.Build()), {});
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_THAT(Take(*client_).ingests, IsEmpty());
}

TEST_F(ImportTest, LeavesNoSnapshotOfACancelledUnpack) {
  Start();
  base::Cancellation cancel;
  ImportOptions options;
  options.cancel = &cancel;
  // Cancels while containerd is busy with the layer.
  std::atomic<bool> ended = false;
  std::thread watcher([&] {
    const auto own = Connect();
    while (!ended && Take(*own).snapshots.empty()) {
    }
    cancel.Cancel();
  });
  const std::string path = Directory(BigLayer().Build());
  const absl::Status status = ImportImage(*client_, path, options).status();
  ended = true;
  watcher.join();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_THAT(Take(*client_).snapshots, IsEmpty());
  EXPECT_THAT(Take(*client_).content, SizeIs(3));  // kept for the next try
  ASSERT_TRUE(ImportImage(*client_, path, {}).ok());
  EXPECT_THAT(Take(*client_).snapshots, SizeIs(1));
  EXPECT_THAT(Take(*client_).leases, IsEmpty());
}

}  // namespace
}  // namespace vortex::test
