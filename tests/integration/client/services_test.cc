// SPDX-License-Identifier: Apache-2.0
// The services that only keep records, each against a real containerd.
#include <algorithm>

#include "base/files.h"
#include "base/sha256.h"
#include "integration/client/client_test_base.h"

namespace vortex::client {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ServicesTest : public ClientTest {
 protected:
  // A blob in the content store.
  std::string Put(const std::string& bytes, const std::string& lease) {
    const std::string digest = base::Sha256::Digest(bytes);
    EXPECT_THAT(client_->content().Write({.ref = "ref-" + digest,
                                          .digest = digest,
                                          .size = static_cast<std::int64_t>(bytes.size())},
                                         [&](std::int64_t offset, char* buffer, std::size_t size) {
                                           return bytes.copy(buffer, size,
                                                             static_cast<std::size_t>(offset));
                                         },
                                         {.lease = lease}),
                IsOk());
    return digest;
  }
  Descriptor Target() {
    const std::string digest = Put("{}", lease_);
    return {
        .media_type = "application/vnd.oci.image.manifest.v1+json", .digest = digest, .size = 2};
  }
};

TEST_F(ServicesTest, Version) {
  const auto version = client_->version().Get();
  ASSERT_THAT(version, IsOk());
  EXPECT_THAT(version->version, Not(IsEmpty()));
}

TEST_F(ServicesTest, IntrospectionListsPluginsAndWhyOneDidNotLoad) {
  const auto overlay = client_->introspection().Plugins({"id==overlayfs"});
  ASSERT_THAT(overlay, IsOk());
  ASSERT_THAT(*overlay, SizeIs(1));
  EXPECT_EQ(overlay->front().type, "io.containerd.snapshotter.v1");
  EXPECT_THAT(overlay->front().init_error, IsOk());
  EXPECT_THAT(overlay->front().platforms, Not(IsEmpty()));
  EXPECT_EQ(overlay->front().exports.at("root").rfind(containerd().root_dir(), 0), 0U);
  EXPECT_GT(client_->introspection().Plugins()->size(), 10U);
  const auto server = client_->introspection().Server();
  ASSERT_THAT(server, IsOk());
  EXPECT_THAT(server->uuid, SizeIs(36));
}

TEST_F(ServicesTest, Namespaces) {
  const std::string name = "made-" + namespace_;
  ASSERT_THAT(client_->namespaces().Create({.name = name, .labels = {{"a", "1"}}}), IsOk());
  EXPECT_THAT(client_->namespaces().Create({.name = name}),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("create namespace " + name)));
  EXPECT_EQ(client_->namespaces().Get(name)->labels.at("a"), "1");
  ASSERT_THAT(client_->namespaces().Update({.name = name, .labels = {{"a", "2"}}}), IsOk());
  EXPECT_EQ(client_->namespaces().Get(name)->labels.at("a"), "2");
  const auto all = client_->namespaces().List();
  ASSERT_THAT(all, IsOk());
  EXPECT_TRUE(
      std::any_of(all->begin(), all->end(), [&](const auto& ns) { return ns.name == name; }));
  EXPECT_THAT(client_->namespaces().Delete(name), IsOk());
  EXPECT_THAT(client_->namespaces().Delete(name),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("delete namespace " + name)));
}

TEST_F(ServicesTest, Leases) {
  const auto lease = client_->leases().Create(
      "", {{"containerd.io/gc.expire", LeaseExpiry(std::chrono::hours(1))}});
  ASSERT_THAT(lease, IsOk());
  EXPECT_THAT(lease->id, SizeIs(32));
  EXPECT_GT(lease->created_at, std::chrono::system_clock::now() - kLong);
  EXPECT_THAT(client_->leases().Create(lease->id),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(lease->id)));
  const std::string digest = Put("leased", lease_);
  ASSERT_THAT(client_->leases().AddResource(lease->id, {.id = digest, .type = "content"}), IsOk());
  const auto resources = client_->leases().ListResources(lease->id);
  ASSERT_THAT(resources, IsOk());
  ASSERT_THAT(*resources, SizeIs(1));
  EXPECT_EQ(resources->front().id, digest);
  EXPECT_EQ(resources->front().type, "content");
  EXPECT_THAT(client_->leases().DeleteResource(lease->id, {.id = digest, .type = "content"}),
              IsOk());
  EXPECT_THAT(*client_->leases().ListResources(lease->id), IsEmpty());
  EXPECT_THAT(*client_->leases().List({"id==" + lease->id}), SizeIs(1));
  EXPECT_THAT(client_->leases().Delete(lease->id), IsOk());
  EXPECT_THAT(*client_->leases().List({"id==" + lease->id}), IsEmpty());
}

TEST_F(ServicesTest, ALeaseKeepsContentFromTheGarbageCollector) {
  const auto lease = client_->leases().Create("keeper-" + namespace_);
  ASSERT_THAT(lease, IsOk());
  // Leased from the first moment: a collection may run at any time.
  const std::string kept = Put("kept " + namespace_, lease->id);
  const std::string lost = Put("lost " + namespace_, "");
  // A synchronous delete of anything runs a collection.
  ASSERT_THAT(client_->leases().Create("trigger"), IsOk());
  ASSERT_THAT(client_->leases().Delete("trigger", /*sync=*/true, {.timeout = kLong}), IsOk());
  EXPECT_THAT(client_->content().Info(kept), IsOk());
  EXPECT_THAT(client_->content().Info(lost),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("look up content " + lost)));
  ASSERT_THAT(client_->leases().Delete(lease->id, /*sync=*/true, {.timeout = kLong}), IsOk());
  EXPECT_THAT(client_->content().Info(kept),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(kept)));
}

TEST_F(ServicesTest, TheLeaseOfACallOwnsWhatItMakes) {
  const auto lease = client_->leases().Create("call-" + namespace_);
  ASSERT_THAT(lease, IsOk());
  ASSERT_THAT(client_->snapshots().Prepare("overlayfs", "s", "", {}, {.lease = lease->id}), IsOk());
  const auto resources = client_->leases().ListResources(lease->id);
  ASSERT_THAT(resources, IsOk());
  ASSERT_THAT(*resources, SizeIs(1));
  EXPECT_EQ(resources->front().type, "snapshots/overlayfs");
  EXPECT_THAT(client_->snapshots().Prepare("overlayfs", "t", "", {}, {.lease = "no-such-lease"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("prepare overlayfs snapshot t")));
  EXPECT_THAT(client_->snapshots().Prepare("overlayfs", "t", "", {}, {.lease = "bad\nlease"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("printable")));
}

TEST_F(ServicesTest, Images) {
  const Descriptor target = Target();
  const Image image{.name = "example.org/a:1", .labels = {{"x", "1"}}, .target = target};
  ASSERT_THAT(client_->images().Create(image), IsOk());
  EXPECT_THAT(client_->images().Create(image), StatusIs(absl::StatusCode::kAlreadyExists,
                                                        HasSubstr("create image example.org/a:1")));
  const auto got = client_->images().Get(image.name);
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->target.digest, target.digest);
  EXPECT_EQ(got->target.size, 2);
  EXPECT_EQ(got->labels, image.labels);
  EXPECT_THAT(client_->images().Put({.name = image.name, .labels = {{"y", "2"}}, .target = target}),
              IsOk());
  EXPECT_EQ(client_->images().Get(image.name)->labels, (Labels{{"y", "2"}}));
  EXPECT_THAT(client_->images().Put({.name = "example.org/b:1", .target = target}), IsOk());
  EXPECT_THAT(*client_->images().List(), SizeIs(2));
  EXPECT_THAT(*client_->images().List({"name==example.org/b:1"}), SizeIs(1));
  EXPECT_THAT(client_->images().Delete("example.org/b:1", /*sync=*/true, {.timeout = kLong}),
              IsOk());
  EXPECT_THAT(client_->images().Delete("example.org/b:1"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("delete image example.org/b:1")));
}

TEST_F(ServicesTest, SnapshotsFromPrepareToUsage) {
  auto& snapshots = client_->snapshots();
  const auto mounts = snapshots.Prepare("overlayfs", "work", "", {{"l", "1"}}, Leased());
  ASSERT_THAT(mounts, IsOk());
  ASSERT_THAT(*mounts, SizeIs(1));
  EXPECT_EQ(mounts->front().type, "bind");
  EXPECT_THAT(mounts->front().options, Not(IsEmpty()));
  EXPECT_EQ(snapshots.Stat("overlayfs", "work")->kind, SnapshotKind::kActive);
  EXPECT_THAT(*snapshots.Mounts("overlayfs", "work"), SizeIs(1));
  ASSERT_THAT(snapshots.Commit("overlayfs", "base", "work", {}, Leased()), IsOk());
  EXPECT_EQ(snapshots.Stat("overlayfs", "base")->kind, SnapshotKind::kCommitted);
  ASSERT_THAT(snapshots.View("overlayfs", "look", "base", {}, Leased()), IsOk());
  const auto view = snapshots.Stat("overlayfs", "look");
  ASSERT_THAT(view, IsOk());
  EXPECT_EQ(view->kind, SnapshotKind::kView);
  EXPECT_EQ(view->parent, "base");
  ASSERT_THAT(
      snapshots.Update("overlayfs", {.name = "look", .labels = {{"seen", "yes"}}}, {"labels.seen"}),
      IsOk());
  EXPECT_EQ(snapshots.Stat("overlayfs", "look")->labels.at("seen"), "yes");
  EXPECT_THAT(*snapshots.List("overlayfs"), SizeIs(2));
  EXPECT_THAT(*snapshots.List("overlayfs", {"parent==base"}), SizeIs(1));
  EXPECT_GT(snapshots.Usage("overlayfs", "base")->inodes, 0);
  EXPECT_THAT(
      snapshots.Remove("overlayfs", "base"),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("remove overlayfs snapshot base")));
  EXPECT_THAT(snapshots.Remove("overlayfs", "look"), IsOk());
  EXPECT_THAT(snapshots.Remove("overlayfs", "base"), IsOk());
  EXPECT_THAT(
      snapshots.Cleanup("overlayfs"),
      ::testing::AnyOf(IsOk(), StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("clean up"))));
  EXPECT_THAT(snapshots.Stat("no-such-snapshotter", "x"), Not(IsOk()));
}

TEST_F(ServicesTest, DiffMakesALayerAndAppliesIt) {
  auto& snapshots = client_->snapshots();
  const auto lower = snapshots.Prepare("native", "lower", "", {}, Leased());
  const auto upper = snapshots.Prepare("native", "upper", "", {}, Leased());
  ASSERT_THAT(lower, IsOk());
  ASSERT_THAT(upper, IsOk());
  // Bind mounts: what lies below the source is the snapshot's content.
  ASSERT_THAT(base::WriteFileAtomic(upper->front().source + "/hello", "world", 0644), IsOk());
  const auto layer =
      client_->diff().Create(*lower, *upper, "application/vnd.oci.image.layer.v1.tar+gzip",
                             "diff-" + namespace_, {}, Leased());
  ASSERT_THAT(layer, IsOk());
  EXPECT_GT(layer->size, 0);
  const auto target = snapshots.Prepare("native", "target", "", {}, Leased());
  ASSERT_THAT(target, IsOk());
  const auto applied = client_->diff().Apply(*layer, *target, Leased());
  ASSERT_THAT(applied, IsOk());
  EXPECT_NE(applied->digest, layer->digest) << "the digest of the uncompressed layer";
  EXPECT_EQ(*base::ReadFile(target->front().source + "/hello", 100), "world");
}

TEST_F(ServicesTest, ContainersKeepWhatTheyAreGiven) {
  const Container made{.id = "c-" + namespace_,
                       .labels = {{"io.vortex.run-id", "abc"}},
                       .image = "example.org/a:1",
                       .runtime_name = "io.containerd.runc.v2",
                       .runtime_options = Any{"containerd.runc.v1.Options", ""},
                       .spec = {kOciSpecTypeUrl, R"({"ociVersion":"1.0.2"})"},
                       .snapshotter = "overlayfs",
                       .snapshot_key = "key",
                       .extensions = {{"mine", {"example/Type", "bytes"}}}};
  ASSERT_THAT(client_->containers().Create(made), IsOk());
  EXPECT_THAT(client_->containers().Create(made),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("create container " + made.id)));
  auto got = client_->containers().Get(made.id);
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->labels, made.labels);
  EXPECT_EQ(got->image, made.image);
  EXPECT_EQ(got->runtime_name, made.runtime_name);
  ASSERT_TRUE(got->runtime_options.has_value());
  EXPECT_EQ(got->runtime_options->type_url, "containerd.runc.v1.Options");
  EXPECT_EQ(got->spec.value, made.spec.value);
  EXPECT_EQ(got->snapshot_key, "key");
  EXPECT_EQ(got->extensions.at("mine").value, "bytes");
  EXPECT_GT(got->created_at, std::chrono::system_clock::now() - kLong);
  got->labels["second"] = "2";
  ASSERT_THAT(client_->containers().Update(*got, {"labels"}), IsOk());
  EXPECT_THAT(*client_->containers().List({R"(labels."io.vortex.run-id"==abc,labels.second==2)"}),
              SizeIs(1));
  EXPECT_THAT(*client_->containers().List({"labels.second==3"}), IsEmpty());
  EXPECT_THAT(client_->containers().List({"not a filter ==="}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("list containers")));
  EXPECT_THAT(client_->containers().Delete(made.id), IsOk());
  EXPECT_THAT(client_->containers().Delete(made.id),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("delete container " + made.id)));
}

}  // namespace
}  // namespace vortex::client
