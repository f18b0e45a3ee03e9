"""A matcher that is slow and obvious: queues of single hundredths of a contract, to hold the real one against."""

BID, ASK = True, False


class Obvious:
    """The same rules, one entry of a list for each hundredth of a contract: "" is foreign, else an order's key."""

    def __init__(self):
        self.queues = {BID: {}, ASK: {}}
        self.ghosts = {BID: {}, ASK: {}}
        self.owner, self.joined = {}, {}

    def shown(self, is_bid):
        return {price: len(queue) for price, queue in self.queues[is_bid].items() if queue}

    def best_first(self, is_bid):
        return sorted((price for price, queue in self.queues[is_bid].items() if queue), reverse=is_bid)

    def change(self, is_bid, price, change):
        queue, ghosts = self.queues[is_bid].setdefault(price, []), self.ghosts[is_bid]
        foreign = queue.count("") + ghosts.get(price, 0) + change
        ghosts[price] = min(ghosts.get(price, 0), foreign)
        while queue.count("") < foreign - ghosts[price]:
            queue.append("")
        while queue.count("") > foreign - ghosts[price]:
            del queue[len(queue) - 1 - queue[::-1].index("")]  # from the back: none of it was ahead of us
        return self.uncross()

    def printed(self, price, count, taker_is_bid):
        fills, hits = [], not taker_is_bid
        for better in self.best_first(hits):
            if (better > price) if hits else (better < price):
                queue = self.queues[hits][better]
                for key in list(queue):
                    if key and (self.joined[key] or count):
                        count = max(0, count - 1)
                        queue.remove(key)
                        fills.append((key, better))
        queue = self.queues[hits].setdefault(price, [])
        for key in list(queue)[:count]:
            queue.remove(key)
            if key:
                fills.append((key, price))
            else:
                queue.append("")  # still displayed until its own change arrives, but no longer ahead of anybody
        return fills

    def place(self, key, owner, is_bid, limit, count):
        traded, left, stopped = self.match(owner, is_bid, limit, count)
        if left and not stopped:
            self.rest(key, owner, is_bid, limit, left)
        return traded

    def match(self, owner, is_bid, limit, count, displace=False):
        """What an incoming order trades, what is left of it, and whether its own order stopped it."""
        traded = []
        while count and (prices := self.best_first(not is_bid)):
            price = prices[0]
            if (price > limit) if is_bid else (price < limit):
                break
            other = self.queues[not is_bid][price][0]
            if other and self.owner[other] == owner:
                if not displace:
                    return traded, count, True
                self.withdraw(other)
                continue
            self.pop(not is_bid, price)
            traded.append((other, price))
            count -= 1
        return traded, count, False

    def crosses(self, is_bid, limit):
        best = self.best_first(not is_bid)[:1]
        return bool(best) and (best[0] <= limit if is_bid else best[0] >= limit)

    def rest(self, key, owner, is_bid, price, count):
        queue = self.queues[is_bid].setdefault(price, [])
        self.owner[key], self.joined[key] = owner, "" in queue
        queue += [key] * count

    def shrink(self, key, left):
        """Take the last entries of an order away."""
        for queues in self.queues.values():
            for queue in queues.values():
                while queue.count(key) > left:
                    del queue[len(queue) - 1 - queue[::-1].index(key)]

    def pop(self, is_bid, price):
        if self.queues[is_bid][price].pop(0) == "":
            self.ghosts[is_bid][price] = self.ghosts[is_bid].get(price, 0) + 1

    def withdraw(self, key):
        for queues in self.queues.values():
            for queue in queues.values():
                queue[:] = [entry for entry in queue if entry != key]

    def uncross(self):
        fills = []
        while True:
            foreign = {
                side: [p for p in self.best_first(side) if "" in self.queues[side][p]][:1] for side in (BID, ASK)
            }
            if foreign[BID] and foreign[ASK] and foreign[BID] >= foreign[ASK]:
                return fills
            for side in (BID, ASK):
                for against, price in zip(foreign[not side], self.best_first(side)[:1], strict=False):
                    if (price >= against) if side else (price <= against):
                        key = next(entry for entry in self.queues[side][price] if entry)
                        self.queues[side][price].remove(key)
                        self.queues[not side][against].remove("")
                        self.ghosts[not side][against] = self.ghosts[not side].get(against, 0) + 1
                        fills.append((key, price))
                        break
                else:
                    continue
                break
            else:
                return fills
