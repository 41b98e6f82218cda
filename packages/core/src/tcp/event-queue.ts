/** What happens later, the earliest first; of two at the same time, the one that was added first. */
export interface EventQueue<Event extends { readonly at: number }> {
  add(event: Event): void;
  /** The next event, taken out, or undefined when there is none. */
  take(): Event | undefined;
}

/** A binary heap. */
export function createEventQueue<Event extends { readonly at: number }>(): EventQueue<Event> {
  const events: Event[] = [];
  const orders: number[] = [];
  let added = 0;

  function isBefore(at: number, order: number, index: number): boolean {
    const other = events[index].at;
    return at < other || (at === other && order < orders[index]);
  }

  function add(event: Event): void {
    const order = (added += 1);
    let index = events.length;
    events.push(event);
    orders.push(order);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event.at, order, parent)) break;
      events[index] = events[parent];
      orders[index] = orders[parent];
      index = parent;
    }
    events[index] = event;
    orders[index] = order;
  }

  function take(): Event | undefined {
    const first = events[0];
    const last = events.pop();
    const order = orders.pop();
    if (events.length === 0 || last === undefined || order === undefined) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= events.length) break;
      const right = child + 1;
      const rightEvent = events[right];
      if (rightEvent !== undefined && isBefore(rightEvent.at, orders[right], child)) {
        child = right;
      }
      if (isBefore(last.at, order, child)) break;
      events[index] = events[child];
      orders[index] = orders[child];
      index = child;
    }
    events[index] = last;
    orders[index] = order;
    return first;
  }

  return { add, take };
}
