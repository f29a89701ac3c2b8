// Verifies checkpoints and proofs of the log with golang.org/x/mod/sumdb, which shares no code with it.
//
// Standard input: {"vkey", "entries": [{"entry", "proof"}], "consistency": [{"old", "new", "path"}]}, where
// entry and the hashes of path are base64, proof is a tlog-proof, old and new are signed checkpoints.
// Standard output: one line for each, "ok" or why not.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type input struct {
	Vkey    string
	Entries []struct {
		Entry []byte
		Proof string
	}
	Consistency []struct {
		Old, New string
		Path     []string
	}
}

// open gives the size and root of a signed checkpoint.
func open(signed string, verifier note.Verifier) (int64, tlog.Hash, error) {
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return 0, tlog.Hash{}, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return size, root, err
}

func hashes(lines []string) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		found = append(found, hash)
	}
	return found, nil
}

func checkEntry(entry []byte, proof string, verifier note.Verifier) error {
	head, signed, _ := strings.Cut(proof, "\n\n")
	lines := strings.Split(head, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" || len(lines) < 2 {
		return fmt.Errorf("not a tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	path, err := hashes(lines[2:])
	if err != nil {
		return err
	}
	size, root, err := open(signed, verifier)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, size, root, index, tlog.RecordHash(entry))
}

func checkGrowth(old, new string, path []string, verifier note.Verifier) error {
	oldSize, oldRoot, err := open(old, verifier)
	if err != nil {
		return err
	}
	newSize, newRoot, err := open(new, verifier)
	if err != nil {
		return err
	}
	steps, err := hashes(path)
	if err != nil {
		return err
	}
	return tlog.CheckTree(steps, newSize, newRoot, oldSize, oldRoot)
}

func say(err error) {
	if err == nil {
		fmt.Println("ok")
	} else {
		fmt.Println(err)
	}
}

func main() {
	var given input
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	verifier, err := note.NewVerifier(given.Vkey)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, each := range given.Entries {
		say(checkEntry(each.Entry, each.Proof, verifier))
	}
	for _, each := range given.Consistency {
		say(checkGrowth(each.Old, each.New, each.Path, verifier))
	}
}
