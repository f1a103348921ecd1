// SPDX-License-Identifier: MIT
// The detail, packed (pack.h), in this order; a part is there where its bit is set:
//
//   bits, sources, host, filesystem_seq, boottime, specific, object, range, device error, task, gap, incident, health, the
//   end of a burst
//
// A text is an id of the dictionary, or 0 and itself. Times of a row are told by their difference to its own.
#include "store/row_format.h"

#include <bit>

#include "store/checksum.h"
#include "store/pack.h"
#include "store/template.h"

namespace fsherald {
namespace {

constexpr uint64_t kHasBoottime = 1;
constexpr uint64_t kHasSpecific = 2;
constexpr uint64_t kHasObject = 4;
constexpr uint64_t kHasRange = 8;
constexpr uint64_t kHasDeviceError = 16;
constexpr uint64_t kHasTask = 32;
constexpr uint64_t kIsUser = 64;  // origin
constexpr uint64_t kIsCorrected = 128;
constexpr uint64_t kIsUntrusted = 256;
constexpr uint64_t kHasGap = 512;
constexpr uint64_t kHasIncident = 1024;
constexpr uint64_t kHasHealth = 2048;
constexpr uint64_t kAllBits = 4095;
constexpr size_t kChecksumBytes = 4;
constexpr auto kLastKind = static_cast<uint64_t>(Kind::kHealth);
constexpr auto kLastSource = static_cast<uint64_t>(kSourceCount - 1);
constexpr auto kLastPathSource = static_cast<uint64_t>(PathSource::kIoctl);
constexpr auto kLastOperation = static_cast<uint64_t>(DeviceError::Operation::kDiscard);

// As differences, which may go around.
int64_t Minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t Plus(int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); }

std::optional<uint64_t> Widened(const std::optional<uint32_t>& value) {
  return value ? std::optional<uint64_t>(*value) : std::nullopt;
}
// An int as it is, without a sign.
std::optional<uint64_t> Widened(const std::optional<int>& value) {
  return value ? std::optional<uint64_t>(static_cast<uint32_t>(*value)) : std::nullopt;
}
std::optional<uint32_t> Narrow(Unpacker& from) {
  const auto value = from.Optional();
  if (!value) return std::nullopt;
  if (*value > UINT32_MAX) from.Fail();
  return static_cast<uint32_t>(*value);
}
std::optional<int> NarrowInt(Unpacker& from) {
  const auto value = Narrow(from);
  return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}

uint64_t SourceBits(SourceSet sources) {
  uint64_t bits = 0;
  for (int i = 0; i < kSourceCount; ++i)
    if (sources.Has(static_cast<SourceId>(i))) bits |= uint64_t{1} << i;
  return bits;
}
SourceSet SourcesOf(uint64_t bits) {
  SourceSet sources;
  for (int i = 0; i < kSourceCount; ++i)
    if ((bits >> i & 1) != 0) sources.Add(static_cast<SourceId>(i));
  return sources;
}

void PackDevice(const std::optional<DeviceNumber>& dev, Packer& to) {
  to.Number(dev ? 1 : 0);
  if (!dev) return;
  to.Number(dev->major);
  to.Number(dev->minor);
}
std::optional<DeviceNumber> UnpackDevice(Unpacker& from) {
  if (from.NumberUpTo(1) == 0) return std::nullopt;
  DeviceNumber dev;
  dev.major = static_cast<uint32_t>(from.NumberUpTo(UINT32_MAX));
  dev.minor = static_cast<uint32_t>(from.NumberUpTo(UINT32_MAX));
  return dev;
}

std::vector<std::string> UnpackTexts(Unpacker& from) {
  std::vector<std::string> texts;
  for (uint64_t left = from.Number(); left > 0 && from.ok(); --left) texts.emplace_back(from.Text());
  return texts;
}

class DetailPacker {
 public:
  DetailPacker(std::string& out, WordIds& words) : to_(out), words_(words) {}

  void Pack(const EntryView& entry) {
    const Notification& n = entry.notification;
    to_.Number(BitsOf(n));
    to_.Number(SourceBits(n.sources));
    std::string host;
    host.reserve(64);
    Packer(host).Text(entry.host.boot_id);
    Packer(host).Text(entry.host.kernel_release);
    to_.Number(words_.IdOf(WordKind::kHost, host));
    to_.Number(n.filesystem_seq);
    if (n.boottime_ns) to_.Number(*n.boottime_ns);
    if (n.specific) Pack(*n.specific);
    if (n.object) Pack(*n.object);
    if (n.range) {
      to_.Number(n.range->offset_bytes);
      to_.Optional(n.range->length_bytes);
    }
    if (n.device_error) Pack(*n.device_error);
    if (n.task) Pack(*n.task);
    if (n.gap) Pack(*n.gap, n.utc_ns);
    if (n.incident) to_.Number(n.seq - *n.incident);  // goes around, and back
    if (n.health) Pack(*n.health, n.utc_ns);
    if (entry.rows > 1) {
      to_.Number(entry.last_seq - n.seq);
      to_.Signed(Minus(entry.last_utc_ns, n.utc_ns));
    }
  }

 private:
  static uint64_t BitsOf(const Notification& n) {
    return (n.boottime_ns ? kHasBoottime : 0) | (n.specific ? kHasSpecific : 0) | (n.object ? kHasObject : 0) |
           (n.range ? kHasRange : 0) | (n.device_error ? kHasDeviceError : 0) | (n.task ? kHasTask : 0) |
           (n.origin == Origin::kUser ? kIsUser : 0) | (n.corrected ? kIsCorrected : 0) |
           (n.trusted ? 0 : kIsUntrusted) | (n.gap ? kHasGap : 0) | (n.incident ? kHasIncident : 0) |
           (n.health ? kHasHealth : 0);
  }

  void Text(std::string_view text) {
    const uint64_t id = words_.IdIfRepeated(WordKind::kText, text);
    to_.Number(id);
    if (id == 0) to_.Text(text);
  }
  void OptionalText(const std::optional<std::string>& text) {
    to_.Number(text ? 1 : 0);
    if (text) Text(*text);
  }

  // Its shape (type, names, kinds of values, the words of the message), then its values.
  void Pack(const Specific& specific) {
    std::string bytes;
    bytes.reserve(256);
    Packer shape(bytes);
    Templated message;
    if (specific.message) message = ToTemplate(*specific.message);
    shape.Text(specific.type);
    shape.Number(specific.fields.size());
    for (const SpecificField& field : specific.fields) {
      shape.Text(field.name);
      shape.Number(field.value.index());
    }
    shape.Number(specific.message ? 1 : 0);
    if (specific.message) shape.Text(message.words);
    shape.Number(specific.blob ? 1 : 0);

    const uint64_t id = words_.IdIfRepeated(WordKind::kShape, bytes);
    to_.Number(id);
    if (id == 0) to_.Text(bytes);
    for (const SpecificField& field : specific.fields) {
      if (const auto* number = std::get_if<uint64_t>(&field.value)) to_.Number(*number);
      else if (const auto* text = std::get_if<std::string>(&field.value)) Text(*text);
    }
    for (const uint64_t number : message.numbers) to_.Number(number);
    if (specific.blob) to_.Text(*specific.blob);
  }

  void Pack(const ObjectInfo& object) {
    to_.Optional(object.inode);
    to_.Optional(Widened(object.generation));
    OptionalText(object.path);
    to_.Number(object.path_source ? static_cast<uint64_t>(*object.path_source) + 1 : 0);
  }

  void Pack(const DeviceError& error) {
    Text(error.device);
    PackDevice(error.dev, to_);
    to_.Number(static_cast<uint64_t>(error.operation));
    to_.Optional(error.sector);
    to_.Optional(error.sectors);
    to_.Optional(Widened(error.code));
    to_.Number(error.count);
  }

  void Pack(const Task& task) {
    to_.Optional(Widened(task.pid));
    to_.Optional(Widened(task.tid));
    Text(task.comm);
    OptionalText(task.cgroup);
  }

  void Pack(const Gap& gap, int64_t utc_ns) {
    to_.Number(static_cast<uint64_t>(gap.source));
    to_.Optional(gap.count);
    to_.Number(gap.exact ? 1 : 0);
    to_.Signed(Minus(gap.from_utc_ns, utc_ns));
    to_.Signed(Minus(gap.to_utc_ns, utc_ns));
  }

  void Pack(const HealthChange& change, int64_t utc_ns) {
    to_.Number(static_cast<uint64_t>(change.from));
    to_.Number(static_cast<uint64_t>(change.to));
    to_.Number(static_cast<uint64_t>(change.rule));
    to_.Number(change.since_utc_ns ? 1 : 0);
    if (change.since_utc_ns) to_.Signed(Minus(*change.since_utc_ns, utc_ns));
    to_.Number(change.errors);
    to_.Optional(Widened(change.uid));
    OptionalText(change.reason);
  }

  Packer to_;
  WordIds& words_;
};

class DetailUnpacker {
 public:
  DetailUnpacker(std::string_view detail, Words& words) : from_(detail), words_(words) {}

  // False: it is no detail.
  bool Unpack(Entry& entry) {
    Notification& n = entry.notification;
    const uint64_t bits = from_.NumberUpTo(kAllBits);
    n.sources = SourcesOf(from_.Number());
    n.origin = (bits & kIsUser) != 0 ? Origin::kUser : Origin::kKernel;
    n.corrected = (bits & kIsCorrected) != 0;
    n.trusted = (bits & kIsUntrusted) == 0;
    Unpacker host(Word(WordKind::kHost, from_.Number()));
    entry.host.boot_id = host.Text();
    entry.host.kernel_release = host.Text();
    n.filesystem_seq = from_.Number();
    if ((bits & kHasBoottime) != 0) n.boottime_ns = from_.Number();
    if ((bits & kHasSpecific) != 0) n.specific = UnpackSpecific();
    if ((bits & kHasObject) != 0) n.object = UnpackObject();
    if ((bits & kHasRange) != 0) {
      n.range.emplace();
      n.range->offset_bytes = from_.Number();
      n.range->length_bytes = from_.Optional();
    }
    if ((bits & kHasDeviceError) != 0) n.device_error = UnpackDeviceError();
    if ((bits & kHasTask) != 0) n.task = UnpackTask();
    if ((bits & kHasGap) != 0) n.gap = UnpackGap(n.utc_ns);
    if ((bits & kHasIncident) != 0) n.incident = n.seq - from_.Number();
    if ((bits & kHasHealth) != 0) n.health = UnpackHealth(n.utc_ns);
    entry.last_seq = n.seq;
    entry.last_utc_ns = n.utc_ns;
    if (entry.rows > 1) {
      entry.last_seq += from_.Number();
      entry.last_utc_ns = Plus(n.utc_ns, from_.Signed());
    }
    return from_.ok() && from_.AtEnd() && host.ok();
  }

 private:
  // A copy is made of what is kept: what is found is valid until the next is looked for.
  std::string_view Word(WordKind kind, uint64_t id) {
    const std::string* word = words_.Find(kind, id);
    if (word != nullptr) return *word;
    from_.Fail();
    return {};
  }
  std::string Text() {
    const uint64_t id = from_.Number();
    return std::string(id == 0 ? from_.Text() : Word(WordKind::kText, id));
  }
  std::optional<std::string> OptionalText() {
    if (from_.NumberUpTo(1) == 0) return std::nullopt;
    return Text();
  }

  Specific UnpackSpecific() {
    const uint64_t id = from_.Number();
    const std::string bytes(id == 0 ? from_.Text() : Word(WordKind::kShape, id));
    Unpacker shape(bytes);
    Specific specific;
    specific.type = shape.Text();
    for (uint64_t left = shape.Number(); left > 0 && shape.ok(); --left) {
      SpecificField field;
      field.name = shape.Text();
      const uint64_t index = shape.NumberUpTo(2);
      if (index == 1) field.value = from_.Number();
      else if (index == 2) field.value = Text();
      specific.fields.push_back(std::move(field));
    }
    if (shape.NumberUpTo(1) != 0) {
      const std::string_view words = shape.Text();
      std::vector<uint64_t> numbers(CountNumbers(words));
      for (uint64_t& number : numbers) number = from_.Number();
      specific.message = FromTemplate(words, numbers);
    }
    if (shape.NumberUpTo(1) != 0) specific.blob = from_.Text();
    if (!shape.ok() || !shape.AtEnd()) from_.Fail();
    return specific;
  }

  ObjectInfo UnpackObject() {
    ObjectInfo object;
    object.inode = from_.Optional();
    object.generation = Narrow(from_);
    object.path = OptionalText();
    const uint64_t source = from_.NumberUpTo(kLastPathSource + 1);
    if (source > 0) object.path_source = static_cast<PathSource>(source - 1);
    return object;
  }

  DeviceError UnpackDeviceError() {
    DeviceError error;
    error.device = Text();
    error.dev = UnpackDevice(from_);
    error.operation = static_cast<DeviceError::Operation>(from_.NumberUpTo(kLastOperation));
    error.sector = from_.Optional();
    error.sectors = from_.Optional();
    error.code = NarrowInt(from_);
    error.count = from_.Number();
    return error;
  }

  Task UnpackTask() {
    Task task;
    task.pid = Narrow(from_);
    task.tid = Narrow(from_);
    task.comm = Text();
    task.cgroup = OptionalText();
    return task;
  }

  Gap UnpackGap(int64_t utc_ns) {
    Gap gap;
    gap.source = static_cast<SourceId>(from_.NumberUpTo(kLastSource));
    gap.count = from_.Optional();
    gap.exact = from_.NumberUpTo(1) != 0;
    gap.from_utc_ns = Plus(utc_ns, from_.Signed());
    gap.to_utc_ns = Plus(utc_ns, from_.Signed());
    return gap;
  }

  HealthChange UnpackHealth(int64_t utc_ns) {
    HealthChange change;
    change.from = static_cast<HealthState>(from_.NumberUpTo(kHealthStateCount - 1));
    change.to = static_cast<HealthState>(from_.NumberUpTo(kHealthStateCount - 1));
    change.rule = static_cast<HealthRule>(from_.NumberUpTo(kHealthRuleCount - 1));
    if (from_.NumberUpTo(1) != 0) change.since_utc_ns = Plus(utc_ns, from_.Signed());
    change.errors = from_.Number();
    change.uid = Narrow(from_);
    change.reason = OptionalText();
    return change;
  }

  Unpacker from_;
  Words& words_;
};

uint32_t RowChecksum(const Row& row, std::string_view detail, uint64_t identity) {
  const uint64_t head[] = {identity,
                           row.seq,
                           static_cast<uint64_t>(row.utc_ns),
                           static_cast<uint64_t>(row.kind),
                           row.filesystem,
                           row.location,
                           row.code ? static_cast<uint64_t>(*row.code) : ~uint64_t{0},
                           row.errors,
                           row.rows};
  return Crc32c(detail, Crc32c({reinterpret_cast<const char*>(head), sizeof head}));
}

void Seal(Row& row, uint64_t identity) {
  const uint32_t sum = RowChecksum(row, row.detail, identity);
  for (size_t i = 0; i < kChecksumBytes; ++i) row.detail += static_cast<char>(sum >> 8 * i);
}

}  // namespace

Row RowOf(const Statement& select) {
  Row row;
  row.seq = select.Uint(0);
  row.utc_ns = select.Int(1);
  row.kind = select.Int(2);
  row.filesystem = select.Uint(3);
  row.location = select.Uint(4);
  if (!select.IsNull(5)) row.code = select.Int(5);
  row.errors = select.Uint(6);
  row.rows = select.Uint(7);
  row.detail = select.Blob(8);
  return row;
}

void BindRow(const Row& row, Statement& insert) {
  insert.Bind(row.seq).Bind(row.utc_ns).Bind(row.kind).Bind(row.filesystem).Bind(row.location);
  if (row.code) insert.Bind(*row.code);
  else insert.BindNull();
  insert.Bind(row.errors).Bind(row.rows).BindBlob(row.detail);
}

Row PackRow(const EntryView& entry, uint64_t identity, WordIds& words) {
  const Notification& n = entry.notification;
  Row row;
  row.seq = n.seq;
  row.utc_ns = n.utc_ns;
  row.kind = static_cast<int64_t>(n.kind);
  row.filesystem = words.IdOf(WordKind::kFilesystem, PackFilesystem(n.filesystem));
  if (n.location) row.location = words.IdOf(WordKind::kLocation, PackLocation(*n.location));
  if (n.error.code) row.code = *n.error.code;
  row.errors = n.error.count;
  row.rows = entry.rows;
  row.detail.reserve(256);
  DetailPacker(row.detail, words).Pack(entry);
  Seal(row, identity);
  return row;
}

bool IsWhole(const Row& row, uint64_t identity) {
  if (row.detail.size() < kChecksumBytes) return false;
  const size_t size = row.detail.size() - kChecksumBytes;
  const uint32_t sum = RowChecksum(row, std::string_view(row.detail).substr(0, size), identity);
  for (size_t i = 0; i < kChecksumBytes; ++i)
    if (static_cast<uint8_t>(row.detail[size + i]) != (sum >> 8 * i & 0xff)) return false;
  return true;
}

std::optional<Entry> UnpackRow(const Row& row, uint64_t identity, Words& words) {
  if (!IsWhole(row, identity) || row.kind < 0 || row.kind > static_cast<int64_t>(kLastKind)) return std::nullopt;
  Entry entry;
  Notification& n = entry.notification;
  n.seq = row.seq;
  n.utc_ns = row.utc_ns;
  n.kind = static_cast<Kind>(row.kind);
  n.error.code = row.code ? std::optional<int>(static_cast<int>(*row.code)) : std::nullopt;
  n.error.count = row.errors;
  entry.rows = row.rows;
  const std::string* word = words.Find(WordKind::kFilesystem, row.filesystem);
  auto filesystem = word != nullptr ? UnpackFilesystem(*word) : std::nullopt;
  if (!filesystem) return std::nullopt;
  n.filesystem = std::move(*filesystem);
  if (row.location != 0) {
    word = words.Find(WordKind::kLocation, row.location);
    n.location = word != nullptr ? UnpackLocation(*word) : std::nullopt;
    if (!n.location) return std::nullopt;
  }
  const std::string_view detail(row.detail.data(), row.detail.size() - kChecksumBytes);
  if (!DetailUnpacker(detail, words).Unpack(entry)) return std::nullopt;
  return entry;
}

uint64_t FlagsOf(const Row& row) { return Unpacker(row.detail).Number() & (kIsUser | kIsCorrected | kIsUntrusted); }

Row MergedRow(const Row& first, uint64_t last_seq, int64_t last_utc_ns, uint64_t identity) {
  Row row = first;
  row.detail.resize(row.detail.size() - kChecksumBytes);
  Packer to(row.detail);
  to.Number(last_seq - row.seq);
  to.Signed(Minus(last_utc_ns, row.utc_ns));
  Seal(row, identity);
  return row;
}

std::string PackFilesystem(const FilesystemInfo& filesystem) {
  std::string out;
  out.reserve(128);
  Packer to(out);
  to.Text(filesystem.type);
  to.Text(filesystem.device);
  PackDevice(filesystem.dev, to);
  to.Number(filesystem.uuid ? 1 : 0);
  if (filesystem.uuid)
    to.Raw({reinterpret_cast<const char*>(filesystem.uuid->bytes.data()), filesystem.uuid->bytes.size()});
  to.Number(filesystem.fsid ? 1 : 0);
  if (filesystem.fsid) {
    to.Number(filesystem.fsid->word0);
    to.Number(filesystem.fsid->word1);
  }
  to.Number(filesystem.mounts.size());
  for (const std::string& mount : filesystem.mounts) to.Text(mount);
  return out;
}

std::optional<FilesystemInfo> UnpackFilesystem(std::string_view packed) {
  Unpacker from(packed);
  FilesystemInfo filesystem;
  filesystem.type = from.Text();
  filesystem.device = from.Text();
  filesystem.dev = UnpackDevice(from);
  if (from.NumberUpTo(1) != 0) {
    filesystem.uuid.emplace();
    from.Raw(filesystem.uuid->bytes.size())
        .copy(reinterpret_cast<char*>(filesystem.uuid->bytes.data()), filesystem.uuid->bytes.size());
  }
  if (from.NumberUpTo(1) != 0) {
    filesystem.fsid.emplace();
    filesystem.fsid->word0 = static_cast<uint32_t>(from.NumberUpTo(UINT32_MAX));
    filesystem.fsid->word1 = static_cast<uint32_t>(from.NumberUpTo(UINT32_MAX));
  }
  filesystem.mounts = UnpackTexts(from);
  if (!from.ok() || !from.AtEnd()) return std::nullopt;
  return filesystem;
}

std::string PackLocation(const Location& location) {
  std::string out;
  out.reserve(512);  // its stack too
  Packer to(out);
  to.Text(location.function);
  to.Optional(Widened(location.line));
  to.Text(location.file);
  to.Number(location.stack.size());
  for (const std::string& frame : location.stack) to.Text(frame);
  return out;
}

std::optional<Location> UnpackLocation(std::string_view packed) {
  Unpacker from(packed);
  Location location;
  location.function = from.Text();
  location.line = Narrow(from);
  location.file = from.Text();
  location.stack = UnpackTexts(from);
  if (!from.ok() || !from.AtEnd()) return std::nullopt;
  return location;
}

}  // namespace fsherald
