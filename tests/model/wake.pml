// SPDX-License-Identifier: MIT
// Invariant 8 of src/ring/layout.h: who sleeps has nothing to read. Two producers, and a consumer that sleeps whenever it finds
// nothing new.
//
// Each producer's stores go through a store buffer, as on a processor with total store order: they are seen some time later,
// in order, or at an atomic read-modify-write of its own, or when the consumer's membarrier(2) reaches it. With FENCES the
// producer fences by itself, and the consumer does without membarrier. (Weaker processors need what the release and acquire in
// the code say; that is not modelled.)
//
// A producer may die before any step; the hang-up of its socket wakes the consumer.
//
// -DBROKEN_...: one rule left out; then spin must find a violation (model.sh).

#define kRecords 2

byte head[2];       // what all see
byte stored[2];     // what its producer has stored last
byte cell, taken;   // records in the cell; of those the consumer has had
bit cell_stored[2]; // a record of the cell that is under way
byte counted;
bit sleeping, wake;
byte ended;

// The cell is filled only while it is empty, by a read-modify-write before, and what is in the buffer then has gone.
inline Drain(p) {
  head[p] = stored[p];
  if
  :: cell_stored[p] -> cell++; cell_stored[p] = 0
  :: else
  fi
}

active proctype StoreBuffers() {
end:
  do
  :: atomic { head[0] != stored[0] && !cell_stored[0] -> head[0] = stored[0] }
  :: atomic { head[1] != stored[1] && !cell_stored[1] -> head[1] = stored[1] }
  :: atomic { cell_stored[0] -> cell++; cell_stored[0] = 0 }
  :: atomic { cell_stored[1] -> cell++; cell_stored[1] = 0 }
  od
}

#ifdef DEATH
#define MAY_DIE if :: skip :: goto dead fi;
#else
#define MAY_DIE
#endif

active [2] proctype Producer() {
  byte p = _pid - 1;
  byte record = 0;
  bit woke, is_mine;
  do
  :: record < kRecords ->
    record++;
    MAY_DIE
    if
    :: stored[p]++  // Publish
    :: atomic { Drain(p); is_mine = (cell == taken && !cell_stored[0] && !cell_stored[1]) };  // Fold
      MAY_DIE
      if
      :: is_mine -> cell_stored[p] = 1
      :: else -> atomic { Drain(p); counted++ }
      fi;
      is_mine = 0
    fi;
    MAY_DIE
#ifdef FENCES
    atomic { Drain(p) }
#endif
    if
#ifdef BROKEN_NO_WAKE
    :: false ->
#else
    :: sleeping ->
#endif
      MAY_DIE
      atomic { Drain(p); woke = sleeping; sleeping = 0 }
      MAY_DIE
      if
      :: woke -> wake = 1
      :: else
      fi;
      woke = 0
    :: else
    fi
  :: else -> break
  od;
  goto done;
dead:
  wake = 1;
done:
  atomic { Drain(p); ended++ }
}

byte read_to[2], counted_read;

#define NOTHING_NEW (head[0] == read_to[0] && head[1] == read_to[1] && cell == taken && counted == counted_read)

active proctype Consumer() {
  do
  :: atomic { read_to[0] = head[0]; read_to[1] = head[1]; taken = cell; counted_read = counted }
#ifdef BROKEN_SLEEPING_LATE
    if
    :: NOTHING_NEW -> sleeping = 1
    :: else -> goto again
    fi;
#else
    sleeping = 1;
#endif
#ifndef FENCES
#ifndef BROKEN_NO_MEMBARRIER
    atomic { Drain(0); Drain(1) }
#endif
#endif
#ifndef BROKEN_SLEEPING_LATE
    // One look after the other, as in RingReader::HasMore.
    if
    :: head[0] != read_to[0] -> goto again
    :: else
    fi;
    if
    :: head[1] != read_to[1] -> goto again
    :: else
    fi;
    if
    :: cell != taken || counted != counted_read -> goto again
    :: else
    fi;
#endif
    if
    :: atomic { wake -> wake = 0 }
    :: ended == 2 && !wake ->
      assert(NOTHING_NEW);
      break
    fi;
again:
    sleeping = 0
  od
}
