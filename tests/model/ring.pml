// SPDX-License-Identifier: MIT
// The ring of src/ring, two producers and the consumer, every interleaving of their steps. A lane has kUnits units; a slot
// takes one or two, or is a skip at the end. What is checked are the invariants of src/ring/layout.h,
// named at the assertions.
//
// A producer may die before any step (-DDEATH=how many). With HEIR it was a thread, and another one takes
// its lane. The
// handshake with a consumer that sleeps is in wake.pml, signal handlers are in signal.pml.
//
// -DBROKEN_...: one rule left out; then spin must find a violation (model.sh).

#define kUnits 4
#ifndef kRecords
#define kRecords 3
#endif
#define kSkip 3

#define kEmpty 0
#define kWriting 1
#define kFull 2

// Of each lane.
byte head[2], reserved[2], tail[2], tail_seen[2];
byte slot_size[8], slot_front[8], slot_back[8];  // by lane * kUnits + position % kUnits: units, and the record in both ends
byte cell_state, cell_producer, cell_record, counted;

byte submitted[2];  // that returned
byte deaths;
byte ended;

#define AT(lane, position) ((lane) * kUnits + (position) % kUnits)

#ifdef HEIR
#define MAY_DIE if :: skip :: p == 0 && deaths < DEATH -> goto dead fi;
#elif defined(DEATH)
#define MAY_DIE if :: skip :: deaths < DEATH -> goto dead fi;
#else
#define MAY_DIE
#endif

#ifdef BROKEN_NO_ROOM
#define FITS(lane, end, seen) true
#else
#define FITS(lane, end, seen) ((end) - (seen) <= kUnits)
#endif

inline WriteSlot(p) {
#ifdef BROKEN_HEAD_FIRST
  head[p] = reserved[p];
#endif
  MAY_DIE
  atomic {
    if
    :: finish - at != size -> slot_size[AT(p, at)] = kSkip
    :: else
    fi;
    at = finish - size;
    slot_size[AT(p, at)] = size;
    slot_front[AT(p, at)] = record
  }
  MAY_DIE
  slot_back[AT(p, at + size - 1)] = record;
  MAY_DIE
  head[p] = reserved[p]
}

inline Fold(p) {
  atomic {
    if
    :: cell_state == kEmpty -> cell_state = kWriting; got_cell = 1
    :: else -> got_cell = 0
    fi
  }
  MAY_DIE
  if
  :: got_cell ->
#ifdef BROKEN_CELL_EARLY
    cell_state = kFull;
#endif
    atomic { cell_producer = p; cell_record = record }
    MAY_DIE
    cell_state = kFull
  :: else -> counted++
  fi
}

active [2] proctype Producer() {
  byte p = _pid;
  byte record = 1, size, at, finish;
  bit got_cell;
again:
  do
  :: record <= kRecords ->
    MAY_DIE
#ifdef ANY_SIZE
    if
    :: size = 1
    :: size = 2
    fi;
#else
    size = 1 + record % 2;  // 2, 1, then a skip
#endif
    atomic {
      at = reserved[p];
      finish = at + size + (kUnits - at % kUnits < size -> kUnits - at % kUnits : 0)
    }
    if
    :: FITS(p, finish, tail_seen[p])
    :: else -> tail_seen[p] = tail[p]
    fi;
    if
    :: FITS(p, finish, tail_seen[p]) ->
      reserved[p] = finish;
#ifndef BROKEN_NO_ROOM
      assert(finish - tail[p] <= kUnits);  // invariant 1
#endif
      WriteSlot(p)
    :: else -> Fold(p)
    fi;
    MAY_DIE
    atomic { submitted[p]++; record++; size = 0; at = 0; finish = 0; got_cell = 0 }
  :: else -> break
  od;
  goto done;
dead:
  atomic {
    deaths++;
    size = 0; at = 0; finish = 0; got_cell = 0;
#ifdef HEIR
#ifndef BROKEN_HEIR
    reserved[p] = head[p];
#endif
    tail_seen[p] = tail[p];
    record++;  // the one in flight is nobody's
    goto again
#endif
  }
done:
  atomic { ended++ }
}

// The consumer's, global for the assertions.
byte read_to[2], limit[2], last[2];
byte told, counted_read;
bit cell_seen, cell_taken;

inline Look(lane) {
  atomic {
    limit[lane] = head[lane];
    assert(limit[lane] >= read_to[lane] && limit[lane] - tail[lane] <= kUnits)  // invariant 1
  }
}

inline Tell(producer, record) {
  assert(record > last[producer]);  // in order, and none twice
  last[producer] = record;
  told++
}

#define NEXT(lane) slot_front[AT(lane, read_to[lane])]
#define HAS(lane) (read_to[lane] != limit[lane])
#define CELL_FIRST(lane) (cell_seen && !cell_taken && cell_producer == lane && cell_record < NEXT(lane))
#define SKIPS(lane) (slot_size[AT(lane, read_to[lane])] == kSkip)

// Invariant 2: a whole slot.
inline Take(lane) {
  atomic {
    units = slot_size[AT(lane, read_to[lane])];
    assert(units == 1 || units == 2);
    assert(read_to[lane] % kUnits + units <= kUnits && read_to[lane] + units <= limit[lane]);
    assert(slot_front[AT(lane, read_to[lane])] == slot_back[AT(lane, read_to[lane] + units - 1)]);
    Tell(lane, slot_front[AT(lane, read_to[lane])]);
    read_to[lane] = read_to[lane] + units;
    units = 0
  }
}

#define NOTHING_NEW (head[0] == read_to[0] && head[1] == read_to[1] && counted == counted_read && \
                     !(cell_state == kFull && !cell_taken))

active proctype Consumer() {
  byte units;
  do
  :: Look(0);
    Look(1);
    if
    :: !cell_seen && cell_state == kFull ->
      cell_seen = 1;
#ifndef BROKEN_NO_SECOND_LOOK
      Look(0);
      Look(1);
#endif
    :: else
    fi;
#ifdef BROKEN_RELEASE_EARLY
    tail[0] = limit[0];
    tail[1] = limit[1];
#endif
    do
    // Of two producers any may be the earlier one; of one it is the order of its times.
    :: HAS(0) && SKIPS(0) -> read_to[0] = read_to[0] + kUnits - read_to[0] % kUnits
    :: HAS(1) && SKIPS(1) -> read_to[1] = read_to[1] + kUnits - read_to[1] % kUnits
    :: HAS(0) && !SKIPS(0) && !CELL_FIRST(0) -> Take(0)
    :: HAS(1) && !SKIPS(1) && !CELL_FIRST(1) -> Take(1)
    :: cell_seen && !cell_taken && !(HAS(cell_producer) && (SKIPS(cell_producer) || !CELL_FIRST(cell_producer))) ->
      atomic {
        cell_taken = 1;
        Tell(cell_producer, cell_record)  // invariant 7
      }
    :: !HAS(0) && !HAS(1) && (!cell_seen || cell_taken) -> break
    od;
    counted_read = counted;
    tail[0] = read_to[0];
    tail[1] = read_to[1];
    if
    :: cell_taken -> atomic { cell_taken = 0; cell_seen = 0; cell_state = kEmpty }
    :: else
    fi;
    if
    :: ended == 2 && NOTHING_NEW -> break
    :: !NOTHING_NEW  // waits here else: wake.pml
    fi
  od;
  // Invariant 6; what was in flight at a death may have come or not.
  assert(told + counted >= submitted[0] + submitted[1]);
  assert(told + counted <= submitted[0] + submitted[1] + deaths)
}
