import type { Clock } from "./clock.js";
import { GraphError, NoEntityTagError, UnknownOutcomeError } from "./errors.js";
import { sameTag, type Draft, type Update, type Versioned } from "./resource.js";
import type { Budget } from "./send.js";

/** The most attempts of an update when other clients change the object at the same time. */
const maxAttempts = 100;
/** The wait after a conflict, in milliseconds; it doubles up to the cap, with full jitter. */
const baseMs = 10;
const capMs = 1_000;

/** Changes a draft in place. It may run more than once, each time on a fresh copy. */
export type Change = (draft: Draft) => void | Promise<void>;

/** The methods of a client that update needs. */
export interface Store {
  readonly clock: Clock;
  get(): Promise<Versioned>;
  patch(update: Update, ifMatch: string): Promise<Versioned>;
}

/** Changes an object without losing the changes of other clients: compare-and-swap on its entity tag. */
export async function update(store: Store, change: Change, budget: Budget): Promise<Versioned> {
  let base = await store.get();
  let changes = await changesOf(base, change);
  let open = false; // a patch of base may have been applied, or may still be
  for (let attempt = 1; ; attempt++) {
    if (Object.keys(changes).length === 0) {
      return base;
    }
    if (base.etag === "") {
      throw new NoEntityTagError();
    }
    try {
      return await store.patch(changes, base.etag);
    } catch (err) {
      const conflict = err instanceof GraphError && err.status === 412;
      if (err instanceof UnknownOutcomeError) {
        open = true;
        await expectUnchanged(store, base, err);
      } else if (open) {
        throw new UnknownOutcomeError(err); // the conflict may be with our open patch
      } else if (!conflict) {
        throw err;
      }
      const delay = store.clock.random() * Math.min(capMs, baseMs * 2 ** (attempt - 1));
      if (attempt >= maxAttempts || store.clock.now() + delay >= budget.deadline) {
        throw err;
      }
      await store.clock.sleep(delay, budget.signal ?? new AbortController().signal);
      if (conflict) {
        base = await store.get();
        changes = await changesOf(base, change);
      }
    }
  }
}

/** Throws err unless the object is unchanged: then the patch was not applied and may be resent. */
async function expectUnchanged(store: Store, base: Versioned, err: UnknownOutcomeError): Promise<void> {
  const now = await store.get().catch(() => undefined);
  if (now === undefined || !sameTag(now.etag, base.etag)) {
    throw err;
  }
}

/** Returns the members that change changes. */
async function changesOf(base: Versioned, change: Change): Promise<Update> {
  const draft: Draft = { ...base.value };
  await change(draft);
  const before = base.value as Record<string, unknown>;
  for (const name of Object.keys(before)) {
    if ((draft as Record<string, unknown>)[name] === undefined) {
      throw new TypeError(`${name} cannot be removed; set it to null if it is nullable`);
    }
  }
  if (draft.id !== base.value.id || draft["@odata.type"] !== base.value["@odata.type"]) {
    throw new TypeError("id and @odata.type cannot be changed");
  }
  return Object.fromEntries(Object.entries(draft).filter(([name, value]) => value !== before[name]));
}
