//! How are links, addresses and routes listed and changed?

use netlink_packet_core::{
    DecodeError, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader,
    NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::route::RouteMessage;
use netlink_sys::protocols::NETLINK_ROUTE;

use crate::netlink::{BufferSizes, DumpError, MessageError, Sequences, Socket, SocketError};

/// Why a request about links, addresses or routes failed.
#[derive(Debug, thiserror::Error)]
pub enum RtnetlinkError {
    #[error("rtnetlink request refused: {0}")]
    Refused(#[source] MessageError),
    #[error("rtnetlink request was not acknowledged")]
    Unacknowledged,
    #[error("no such link: {source}")]
    NoSuchLink { source: std::io::Error },
    #[error("rtnetlink answer cannot be read: {0}")]
    Undecodable(#[from] DecodeError),
    #[error(transparent)]
    Dump(#[from] DumpError),
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// A socket in the network namespace of the thread that opens it.
#[derive(Debug)]
pub(crate) struct Rtnetlink {
    pub(crate) socket: Socket,
}

impl Rtnetlink {
    pub(crate) fn open() -> Result<Self, SocketError> {
        Ok(Self { socket: Socket::open(NETLINK_ROUTE, BufferSizes::default(), &[])? })
    }

    /// Asks for a change; `flags` beside those that every change has.
    pub(crate) fn change(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<(), RtnetlinkError> {
        let sequence = self.socket.next_sequence();
        let request = serialized(message, flags | NLM_F_ACK, sequence);
        let sequences = Sequences { first: sequence, last: sequence };
        let answers = self.socket.exchange(&request, sequences)?;
        match answers.errors.into_iter().next() {
            Some(error) => Err(RtnetlinkError::Refused(error)),
            None if answers.acknowledged == 0 => Err(RtnetlinkError::Unacknowledged),
            None => Ok(()),
        }
    }

    /// Asks for one thing.
    pub(crate) fn ask(
        &mut self,
        message: RouteNetlinkMessage,
    ) -> Result<RouteNetlinkMessage, RtnetlinkError> {
        let sequence = self.socket.next_sequence();
        let request = serialized(message, 0, sequence);
        let sequences = Sequences { first: sequence, last: sequence };
        let answers = self.socket.exchange(&request, sequences)?;
        if let Some(error) = answers.errors.into_iter().next() {
            return Err(RtnetlinkError::Refused(error));
        }
        let (message_type, payload) =
            answers.replies.into_iter().next().ok_or(RtnetlinkError::Unacknowledged)?;
        let mut header = NetlinkHeader::default();
        header.message_type = message_type;
        Ok(RouteNetlinkMessage::deserialize(&header, &payload)?)
    }

    pub(crate) fn list(
        &mut self,
        message: RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, RtnetlinkError> {
        let request = serialized(message, NLM_F_DUMP, self.socket.next_sequence());
        let mut listed = Vec::new();
        self.socket.dump(&request, &mut |message_type, payload| {
            let mut header = NetlinkHeader::default();
            header.message_type = message_type;
            listed.push(RouteNetlinkMessage::deserialize(&header, payload));
        })?;
        Ok(listed.into_iter().collect::<Result<_, _>>()?)
    }

    /// Hands the payload of each link's message to `each`.
    pub(crate) fn dump_links(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), DumpError> {
        let message = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let request = serialized(message, NLM_F_DUMP, self.socket.next_sequence());
        self.socket.dump(&request, &mut |_, payload| each(payload))
    }

    /// Hands the payload of each route's message to `each`.
    pub(crate) fn dump_routes(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), DumpError> {
        let message = RouteNetlinkMessage::GetRoute(RouteMessage::default());
        let request = serialized(message, NLM_F_DUMP, self.socket.next_sequence());
        self.socket.dump(&request, &mut |_, payload| each(payload))
    }
}

fn serialized(message: RouteNetlinkMessage, flags: u16, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = flags | NLM_F_REQUEST;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}
