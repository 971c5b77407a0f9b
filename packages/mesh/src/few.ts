/** A set that nearly always has no member or one: that one stands for itself, since thousands of sets cost more than what is in them. */
export type Few<T extends object> = T | Set<T> | undefined;

export function withMember<T extends object>(few: Few<T>, member: T): Few<T> {
  if (few === undefined || few === member) return member;
  if (!(few instanceof Set)) return new Set<T>().add(few).add(member);
  return few.add(member);
}

export function withoutMember<T extends object>(few: Few<T>, member: T): Few<T> {
  if (few === member) return undefined;
  if (few instanceof Set) {
    few.delete(member);
    if (few.size === 0) return undefined;
  }
  return few;
}

export function membersOf<T extends object>(few: Few<T>): Iterable<T> {
  if (few === undefined) return [];
  return few instanceof Set ? few : [few];
}
