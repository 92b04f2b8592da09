package quaytest

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// htmlType is the type of every answer whose maker named none.
const htmlType = "text/html; charset=utf-8"

// writeJSON sends v with the given status.
func writeJSON(w http.ResponseWriter, status int, v any) { writeAs(w, status, "application/json", v) }

// writeAs sends v as JSON that is called something else.
func writeAs(w http.ResponseWriter, status int, mediaType string, v any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	// The client may be gone, and nothing is left to tell it.
	_ = json.NewEncoder(w).Encode(v)
}

// writeText sends a text with the given status, and its length.
func writeText(w http.ResponseWriter, status int, mediaType, text string) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// writePage sends the kind of page that nginx in front of Quay answers with.
func writePage(w http.ResponseWriter, status int) {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	writeText(w, status, "text/html", "<html>\r\n<head><title>"+title+"</title></head>\r\n<body>\r\n<center><h1>"+title+
		"</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")
}

// writeEmpty sends an answer without a body.
func writeEmpty(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", htmlType)
	if status != http.StatusNoContent {
		w.Header().Set("Content-Length", "0")
	}
	w.WriteHeader(status)
}

// writeHTML sends the kind of page that Quay's web framework answers with.
func writeHTML(w http.ResponseWriter, status int, title, heading, text string) {
	writeText(w, status, htmlType, "<!doctype html>\n<html lang=en>\n<title>"+title+"</title>\n<h1>"+heading+"</h1>\n<p>"+text+"\n")
}

// writeNotFound sends the page of an address that Quay has nothing at.
func writeNotFound(w http.ResponseWriter) {
	writeHTML(w, http.StatusNotFound, "404 Not Found", "Not Found",
		"The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>")
}

// writeNoMethod sends the page of an address that takes only the methods that allow names.
func writeNoMethod(w http.ResponseWriter, allow string) {
	w.Header().Set("Allow", allow)
	writeHTML(w, http.StatusMethodNotAllowed, "405 Method Not Allowed", "Method Not Allowed",
		"The method is not allowed for the requested URL.</p>")
}

// writeMoved sends a client to an address with a slash at the end.
func (q *Quay) writeMoved(w http.ResponseWriter, r *http.Request) {
	target := q.URL() + r.URL.Path + "/"
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", target)
	writeHTML(w, http.StatusPermanentRedirect, "Redirecting...", "Redirecting...",
		`You should be redirected automatically to the target URL: <a href="`+target+`">`+target+"</a>. If not, click the link.")
}
