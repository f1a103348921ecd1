// SPDX-License-Identifier: MIT
// A thread that submits to its lane, and its signal handlers that do the same between any two of its steps, one on top of the
// other: RingWriter::Write and Publish. Invariants 2, 3, 4 and 6 of src/ring/layout.h.
//
// Only the topmost runs: level 0 is the thread, 1 its handler, 2 the handler's handler. A handler may begin wherever the level
// below it stands, and ends before that goes on. The consumer gives back all that is published, at any time.
//
// -DBROKEN_...: one rule left out; then spin must find a violation (model.sh).

#define kUnits 3
#define kLevels 3

byte level;
byte head, reserved, tail, depth;
bit whole[9];  // by position: its slot is written; of one unit
bit cell_taken_by_writer, cell_full;
byte counted, kept, submitted;

inline Take(at, done) {
#ifdef BROKEN_TAKE
  if
  :: at == reserved -> done = 1
  :: else -> at = reserved; done = 0
  fi;
  if
  :: done -> reserved = at + 1
  :: else
  fi
#else
  atomic {
    if
    :: at == reserved -> reserved = at + 1; done = 1
    :: else -> at = reserved; done = 0
    fi
  }
#endif
}

// Invariants 2 and 4: nothing unfinished is before head.
inline StoreHead(value) {
  atomic {
    assert(value >= head);
    do
    :: head < value -> assert(whole[head]); head++
    :: else -> break
    od
  }
}

inline Publish(seen, below) {
  do
  :: below = depth;
#ifndef BROKEN_PUBLISH_NESTED
    if
    :: below > 1 -> depth = below - 1; break
    :: else
    fi;
#endif
    seen = reserved;
    StoreHead(seen);
    depth = 0;
#ifdef BROKEN_NO_SECOND_LOOK
    break;
#endif
    if
    :: reserved == seen -> break
    :: else
    fi;
    below = depth;
    depth = below + 1
  od
}

inline Submit(at, done, seen, below, fits) {
  below = depth;
  depth = below + 1;
  at = reserved;
  do
  :: fits = (at + 1 - tail <= kUnits);
    if
    :: fits -> Take(at, done)
    :: else -> break
    fi;
    if
    :: done -> break
    :: else
    fi
  od;
  if
  :: fits ->
    assert(!whole[at]);  // nobody else has it
    whole[at] = 1;
    Publish(seen, below);
    kept++
  :: else ->
    Publish(seen, below);
    atomic { done = !cell_taken_by_writer; cell_taken_by_writer = 1 }
    if
    :: done -> cell_full = 1; kept++
    :: else -> counted++
    fi
  fi;
  submitted++;
  at = 0; done = 0; seen = 0; below = 0; fits = 0
}

active proctype Thread() provided (level == 0) {
  byte at, seen, below, i;
  bit done, fits;
  do
  :: i < 2 -> Submit(at, done, seen, below, fits); i++
  :: else -> break
  od;
  // No handler is under way: all is published, and counted once.
  assert(depth == 0 && head == reserved);
  assert(kept + counted == submitted && kept == head + cell_full);
  level = kLevels
}

active proctype Handler() provided (level == 1) {
  byte at, seen, below, i;
  bit done, fits;
end:
  do
  :: i < 2 -> Submit(at, done, seen, below, fits); i++; level = 0
  od
}

active proctype HandlersHandler() provided (level == 2) {
  byte at, seen, below;
  bit done, fits;
end:
  skip;
  Submit(at, done, seen, below, fits);
  level = 1
}

// The kernel: raises each signal some time, or never.
byte raised;
active proctype Kernel() {
  byte nested;
end:
  do
  :: atomic { level == 0 && raised < 2 -> raised++; level = 1 }
  :: atomic { level == 1 && nested < 1 -> nested++; level = 2 }
  :: level == kLevels -> break
  od
}

active proctype Consumer() {
end:
  do
  :: atomic { tail != head -> tail = head }
  :: level == kLevels -> break
  od
}
