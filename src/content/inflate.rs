//! Turns an entry of a zip or a tgz into its bytes, in order, once.
//!
//! Promises: never more than `size` bytes come out, however many there would be; with the last byte comes the verdict:
//! length, CRC-32, and in a zip the end of the stream with nothing behind it. A call that would give the last byte of a
//! wrong blob gives an error and nothing. What began in the middle has no verdict.
//!
//! A large blob that passed is remembered, and the first pass through a large zip entry leaves checkpoints.

use std::io::Read;

use super::check::WHOLE;
use super::counters::add;
use super::error::Error;
use super::origin::{Origin, Place};
use super::seek::{Seeks, Spring, wrong};
use super::table::Known;
use super::zip::Zip;
use crate::deflate::{self, Pass, Runner};

/// How the bytes come.
enum Engine {
    /// Out of a zip, by zlib alone.
    Zip(Box<Zip>),
    /// Out of a zip, leaving checkpoints. `None` once it ended.
    Pass(Option<Box<Pass>>),
    /// Out of a tgz, or from a checkpoint. `None` once it ended.
    Run(Option<Box<Runner<Spring>>>),
}

/// How far a blob is inflated.
pub(super) struct Inflater {
    place: Place,
    known: Known,
    engine: Engine,
    /// Bytes given so far, those before the beginning included.
    given: u64,
    judges: bool,
    crc: crc32fast::Hasher,
}

impl Inflater {
    /// Begins at the beginning, with a look at the local header.
    pub(super) fn new(seeks: &Seeks, place: &Place) -> Result<Inflater, Error> {
        let (_, known) = seeks.origin.locate(place)?;
        let engine = if place.gzipped {
            Engine::Run(Some(Box::new(seeks.runner(place, known, 0)?)))
        } else if place.size > WHOLE && !seeks.has_points(place) {
            Engine::Pass(Some(Box::new(seeks.pass(place, known)?)))
        } else {
            Engine::Zip(Box::new(Zip::over(place, known, Vec::new())))
        };
        Ok(Inflater::with(place, known, engine, 0))
    }

    /// Begins at byte `from`, without a verdict unless that is 0.
    pub(super) fn at(seeks: &Seeks, place: &Place, from: u64) -> Result<Inflater, Error> {
        if from == 0 {
            return Inflater::new(seeks, place);
        }
        let (_, known) = seeks.origin.locate(place)?;
        let runner = seeks.runner(place, known, from)?;
        let engine = Engine::Run(Some(Box::new(runner)));
        Ok(Inflater::with(place, known, engine, from))
    }

    /// Begins with packed bytes that were read already.
    pub(super) fn over(place: &Place, known: Known, input: Vec<u8>) -> Inflater {
        let zip = Zip::over(place, known, input);
        Inflater::with(place, known, Engine::Zip(Box::new(zip)), 0)
    }

    fn with(place: &Place, known: Known, engine: Engine, from: u64) -> Inflater {
        Inflater {
            place: place.clone(),
            known,
            engine,
            given: from,
            judges: from == 0,
            crc: crc32fast::Hasher::new(),
        }
    }

    /// A whole small blob in memory.
    pub(super) fn whole(mut self, seeks: &Seeks) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; self.place.size as usize];
        self.fill(seeks, &mut bytes)?;
        Ok(bytes)
    }

    /// How many bytes it has given, those before its beginning included.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// Fills `out`, or as much of it as there are bytes left, and says how much that is. Zero at the end only.
    pub(super) fn fill(&mut self, seeks: &Seeks, out: &mut [u8]) -> Result<usize, Error> {
        let left = self.place.size - self.given;
        let want = left.min(out.len() as u64) as usize;
        let out = &mut out[..want];
        let mut filled = 0;
        while filled < want {
            match self.step(&seeks.origin, &mut out[filled..])? {
                Some(got) => filled += got,
                None => return Err(self.place.garbled("inflates to fewer bytes than it should")),
            }
        }
        self.crc.update(out);
        self.given += want as u64;
        add(&seeks.origin.counters.bytes_inflated, want as u64);
        if want > 0 && self.given == self.place.size {
            self.end(seeks)?;
        }
        Ok(want)
    }

    /// Some bytes, or `None` where there are no more.
    fn step(&mut self, origin: &Origin, out: &mut [u8]) -> Result<Option<usize>, Error> {
        let place = &self.place;
        let got = match &mut self.engine {
            Engine::Zip(zip) => return zip.step(origin, out),
            Engine::Pass(Some(pass)) => pass.read(out).map_err(deflate::Error::of),
            Engine::Run(Some(runner)) => runner.read(out),
            Engine::Pass(None) | Engine::Run(None) => return Ok(None),
        };
        let got = got.map_err(|error| wrong(place, error))?;
        Ok((got > 0).then_some(got))
    }

    /// The verdict, once all bytes are out.
    fn end(&mut self, seeks: &Seeks) -> Result<(), Error> {
        let place = &self.place;
        if self.judges {
            add(&seeks.origin.counters.checks, 1);
        }
        let mut marks = None;
        match &mut self.engine {
            Engine::Zip(zip) => zip.end(&seeks.origin)?,
            Engine::Pass(pass) => {
                if let Some(mut pass) = pass.take() {
                    let more = pass.read(&mut [0]).map_err(deflate::Error::of);
                    if more.map_err(|error| wrong(place, error))? > 0 {
                        return Err(place.garbled("inflates to more bytes than it should"));
                    }
                    marks = Some(pass.finish().map_err(|error| wrong(place, error))?);
                }
            }
            Engine::Run(runner) => {
                if let Some(runner) = runner.take() {
                    seeks.leave(place, self.known.version, *runner);
                }
            }
        }
        if !self.judges {
            return Ok(());
        }
        place.judge(self.crc.clone().finalize())?;
        if let Some(marks) = marks {
            seeks.keep(place, &marks);
        }
        if place.size > WHOLE {
            seeks.remember(place, self.known)?;
        }
        Ok(())
    }
}
