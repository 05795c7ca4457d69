use nextboot_dhcp::Load;

/// Packets that are answered together, before others get a turn.
pub(super) const TOGETHER: usize = 64;

/// Most packets that are taken from a socket at a time, where its queue has room for them. Taking them is cheap beside answering
/// them, so as many as this only come together when they come faster than they are answered.
const AT_ONCE: usize = 1024;

/// What a waiting packet takes of the socket's room at most, in bytes: the kernel counts the buffer of the network card's driver.
const IN_QUEUE: usize = 2304;

/// Whether packets pile up at a socket.
#[derive(Debug)]
pub(super) struct Pile {
    /// How many are taken at a time.
    at_once: usize,
    load: Load,
}

impl Pile {
    /// At a socket whose queue has so many bytes of room, as far as that is known.
    pub(super) fn new(room: Option<usize>) -> Self {
        // A small queue overflows before so many are in it; half full says as much.
        let at_once = room.map_or(AT_ONCE, |room| (room / IN_QUEUE / 2).clamp(1, AT_ONCE));
        Self { at_once, load: Load::Light }
    }

    /// How many packets to take at a time.
    pub(super) fn at_once(&self) -> usize {
        self.at_once
    }

    /// So many packets were taken. What piled up counts as a pile until next to nothing waits: a flood goes on while a part of
    /// it is answered.
    pub(super) fn took(&mut self, taken: usize) -> Load {
        if taken >= self.at_once {
            self.load = Load::Heavy;
        } else if taken < TOGETHER.min(self.at_once / 2) {
            self.load = Load::Light;
        }
        self.load
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pile_is_one_until_it_is_gone() {
        let mut pile = Pile::new(None);
        let few = [1, TOGETHER, 500, AT_ONCE - 1].map(|taken| pile.took(taken));
        assert_eq!(few, [Load::Light; 4], "what the clients of one rack ask at a time");
        let many = [AT_ONCE, AT_ONCE - 1, TOGETHER].map(|taken| pile.took(taken));
        assert_eq!(many, [Load::Heavy; 3]);
        assert_eq!([TOGETHER - 1, 500].map(|taken| pile.took(taken)), [Load::Light; 2]);
    }

    #[test]
    fn a_small_queue_is_a_pile_when_it_is_half_full() {
        let mut pile = Pile::new(Some(20 * IN_QUEUE));
        assert_eq!(pile.at_once(), 10);
        assert_eq!(
            [9, 10, 5, 4].map(|taken| pile.took(taken)),
            [Load::Light, Load::Heavy, Load::Heavy, Load::Light]
        );
        let sizes = [Some(0), Some(usize::MAX), None].map(|room| Pile::new(room).at_once());
        assert_eq!(sizes, [1, AT_ONCE, AT_ONCE]);
    }
}
