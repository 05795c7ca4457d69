vcl 4.1;

# The same as nginx-cache.conf for Varnish: /etc/varnish/default.vcl. See there what nextboot must be told. Start it with
# room for what is kept, e.g. `varnishd -a :8080 -f /etc/varnish/default.vcl -s file,/var/cache/varnish/nextboot,20g`.

backend default {
    .host = "10.0.0.1";
    .port = "8080";
}

sub vcl_recv {
    # Who asks: only what Varnish knows itself. The other field with that meaning goes, or a client could write it.
    set req.http.X-Forwarded-For = client.ip;
    unset req.http.Forwarded;
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # PXELINUX sends cookies with everything, and Varnish keeps nothing that was asked for with one. They say which machine it
    # is, so they go on with what is written for a machine, and with nothing else.
    if (req.url ~ "(pxelinux\.cfg/|grub\.cfg|autoexec\.ipxe$)" ||
        req.url ~ "^/+(ipxe|seed|done|localboot|profile|nextboot|nexttest|upload)(/|$)") {
        return (pass);
    }
    unset req.http.Cookie;
    return (hash);
}

sub vcl_backend_response {
    if (beresp.http.Cache-Control ~ "no-store") {
        # For so long it is remembered that this is not to be kept.
        set beresp.uncacheable = true;
        set beresp.ttl = 2m;
        return (deliver);
    }
    # No old file while a new one is fetched. What was kept stays for an hour, to be asked about.
    set beresp.grace = 0s;
    set beresp.keep = 1h;
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.X-Cache-Status = "HIT";
    } else {
        set resp.http.X-Cache-Status = "MISS";
    }
}
