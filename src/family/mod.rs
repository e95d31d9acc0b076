//! What a family keeps, in one file: people who may steer, grants and pauses, requests, devices that were seen, and as much of
//! what was refused as CATEGORIES lets anybody see. Time is passed in. Policy is not here: that stands in the configuration.
