// SPDX-License-Identifier: MIT
#include "filesystem/layer_types.h"

#include <cerrno>

#include "filesystem/table_advice.h"

namespace fsherald {
namespace {

// overlayfs names paths, no device; the damage itself is reported by the file systems below.
constexpr std::string_view kOverlayPrefixes[] = {"overlayfs: "};
constexpr LineRow kOverlayRows[] = {
    {.pattern = "failed to create directory {path:s} (errno: {errno}); mounting read-only", .kind = Kind::kReadOnly},
    {.pattern = "cleanup of '{path:s}' failed ({errno})"},
    {.pattern = "lookup '{path:s}' failed ({errno})"},
    {.pattern = "invalid origin ({path:s}, ftype="},
    {.pattern = "failed to get metacopy ({errno})"},
    {.pattern = "failed to get redirect ({errno})"},
    {.pattern = "failed to retrieve upper fileattr ({path:s}, err={errno})"},
    {.pattern = "failed to retrieve lower fileattr ({path:s}, err={errno})"},
    {.pattern = "failed to look up ({path:s}) for ino ({errno})"},
    {.pattern = "statfs failed on '{path:s}'"},
    {.pattern = "Cannot mount volatile when upperdir has an unseen error", .kind = Kind::kWriteback, .code = EIO},
};
constexpr LineHead kOverlayHeads[] = {{"overlayfs: ", kOverlayRows}};
constexpr std::string_view kOverlayFields[] = {"path"};

// "nfs: " lines are of sunrpc (net/sunrpc/clnt.c). What a call that timed out ends with depends on how it was mounted.
constexpr std::string_view kNfsPrefixes[] = {"nfs: server ", "NFS: "};
constexpr LineRow kServerRows[] = {
    {.pattern = "server {server:s} not responding", .kind = Kind::kDevice},
    {.pattern = "server {server:s} OK", .kind = Kind::kDevice, .healthy = true},
};
constexpr LineRow kNfsRows[] = {
    {.pattern = "server {server:s} error: fileid changed{*}expected fileid {inode:x}", .code = ESTALE},
    {.pattern = "server {server:s} error: fileid changed", .code = ESTALE},
    {.pattern = "Server wrote zero bytes, expected ", .kind = Kind::kWriteback, .code = EIO},
    {.pattern = "state manager{*} failed on NFSv4 server {server:s} with error {errno}"},
    {.pattern = "{function:s}: lost {locks} locks"},
};
constexpr LineHead kNfsHeads[] = {{"nfs: ", kServerRows}, {"NFS: ", kNfsRows}};
constexpr std::string_view kNfsFields[] = {"server", "inode", "locks"};

// The death of a server prints nothing: see source/fuse_servers.h.
constexpr std::string_view kFusePrefixes[] = {"fuse: root generation should be zero"};
constexpr LineRow kFuseRows[] = {{.pattern = "root generation should be zero"}};
constexpr LineHead kFuseHeads[] = {{"fuse: ", kFuseRows}};

}  // namespace

const GeneralType kOverlay{.type = "overlay",
                           .prefixes = kOverlayPrefixes,
                           .heads = kOverlayHeads,
                           .fields = kOverlayFields,
                           .advice = &kOverlayAdvice};
const GeneralType kNfs{
    .type = "nfs", .prefixes = kNfsPrefixes, .heads = kNfsHeads, .fields = kNfsFields, .advice = &kNfsAdvice};
const GeneralType kFuse{
    .type = "fuse", .prefixes = kFusePrefixes, .heads = kFuseHeads, .fields = {}, .advice = &kFuseAdvice};

}  // namespace fsherald
