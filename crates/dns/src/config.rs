//! What do the files and objects that configure a cluster DNS say?
